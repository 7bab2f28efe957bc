"""Other migration tools, doing what the benchmarks ask of ours; each in a process and an environment of its own.

``environment`` makes the environment, ``peer`` talks to the programs from this side, ``serving`` is their side of it.
The programs (``*_peer.py``) and what their authors would write (``*_wch``) import nothing outside this folder.
"""
