"""The reader of wp-config.php on hostile files: whatever the file, it takes at most two seconds and 100 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: PHP that makes much of little: deep nesting, endless recursion, strings and arrays that multiply.
HOSTILE = {
    "brackets": "$a=" + "[" * 3_000 + "]" * 3_000 + ";",
    "parentheses": "(" * 130_000,
    "new": "new " * 32_000,
    "concatenation": "$a='a'" + ".'a'" * 20_000 + ";",
    "ifs": "if(1)" * 20_000 + ";",
    "branches": "if($_GET['a']){define('A',1);}" * 4_000,
    "many names": "".join(f"if($_GET['a']){{$x{n}=1;define('C{n}',1);}}" for n in range(2_500)),
    "recursion": "function f(){return f().f();} f();",
    "a closure of itself": "$f=fn($x)=>$x($x);$f($f);",
    "include of itself": "foreach([1,2,3,4,5,6] as $x) include __FILE__;",
    "devices": "file_get_contents('/dev/zero'); include '/dev/zero'; require '/dev/random'; file('/dev/zero');",
    "pipes": "include __DIR__.'/pipe'; file_get_contents(__DIR__.'/pipe');",
    "str_replace": "$b=str_repeat('x',200000); foreach([1,2,3,4,5,6,7,8,9] as $i){$c[$i]=str_replace('x',$b,$b);}",
    "implode": "$a=explode(',',str_repeat(',',4000)); $b=implode(str_repeat('y',250000),$a);",
    "sprintf": "$s=str_repeat('x',250000); $b=sprintf(str_repeat('%s',4),$s,$s,$s,$s);",
    "arrays of arrays": "$a=[1,2];"
    + "$a=[$a,$a];" * 60
    + "if($_GET['x'])$a=[$a]; in_array($a,$a); define('X',$a===$a);",
    "loops in loops": "$a=explode(',',str_repeat('a,',4000)); foreach($a as $x)foreach($a as $y)foreach($a as $z){}",
    "elements one by one": "foreach(explode(',',str_repeat('a,',3000)) as $x){$r[]=$x;}",
    "interpolation": "$a=str_repeat('x',200000);$b=\"" + "$a" * 5_000 + '";',
    "doubling": "$a='x';foreach(explode(',',str_repeat(',',3000)) as $i){$a.=$a;$b[]=$a;}",
    "bin2hex": "$a=str_repeat('x',200000);" + "$a=bin2hex($a);" * 40,
    "json": "$a=json_decode('" + "[" * 50_000 + "'); $b=json_decode('[" + "{}," * 20_000 + "{}]');",
    "powers": "$b=9**99999; $c=1<<999999; $d=9**9**9**9; $e=" + "9" * 5_000 + ";",
    "eval": "$a=str_repeat('$x=1;',30000); eval($a); eval($a.' '); eval($a.'  ');",
    "eval of nonsense": "$a=str_repeat('new ',30000);" + "".join(f"eval($a.'{n}');" for n in range(40)),
    "keys": "$a" + "[1]" * 20_000 + "=1;",
    "properties": "$a" + "->x" * 20_000 + "=1;",
    "catches": "".join(f"$v{n}=1;" for n in range(2_000)) + "try{" + "f();" * 3_000 + "}catch(E $e){}",
    "classes": "class A{" + "public $x=[1,2,3];" * 3_000 + "}" + "new A;" * 500,
    "unknown loops": "foreach($_GET as $k){$a=[$a];$b=$a;$c=$b;}" * 500,
    "comparison": "$a=str_repeat('A',250000);$b=$a.'b';$c=$a.'b';" + "$b==$c;$b<=>$c;" * 3_000,
    "destructuring": "[" * 500 + "$a" + "]" * 500 + "=1;",
    "nested arguments": "$a=explode(',',str_repeat(',',2000));$a=[$a,$a];" + "trim($a);f($a);$a===[$a];" * 5_000,
    "equal arrays": "$a=explode(',',str_repeat(',',4000));$b=explode(',',str_repeat(',',4000));" + "$a===$b;" * 12_000,
    "one element": "$a=explode(',',str_repeat(',',4000));" + "$a[0]=1;" * 12_000,
    "many searches": "$a=explode(',',str_repeat('a,',4000));$b=str_repeat('b',250000);"
    + "str_replace($a,'',$b);" * 5_000,
    "methods": "$a->b();" * 15_000 + "/*" + "function " * 3_000 + "*/",
    "function_exists": "function_exists('x');" * 5_000 + "/*" + "function " * 3_000 + "*/",
    "the environment": "foreach($_ENV as $k){}" * 5_000,
    "a large class": "class A{/*" + "x" * 90_000 + "*/}" + "new A;" * 9_000,
    "a large function": "function f(){return;/*" + "yiel " * 18_000 + "*/}" + "f();" * 9_000,
    "destructuring of much": "[" + "$a," * 30_000 + "]=[1];",
    "keys by keys": "$a[1]" + "[$a[1]]" * 15_000 + ";" + "$b" + "[$b" * 100 + "]" * 100 + ";",
    "glob": "glob('/usr/lib/*');glob('/usr/bin/*.x');" * 3_000,
    "dotenv many times": "$d=Dotenv\\Dotenv::createImmutable(__DIR__);" + "$d->load();" * 9_000,
    "dead branches": "".join(f"$x{n}=1;" for n in range(5_000)) + "if($_GET['a']){exit;}" * 3_000,
    "dotenv": "Dotenv\\Dotenv::createImmutable(__DIR__)->load(); define('DB_NAME', $_ENV['A59']);",
}

#: Reads each file in a process of its own, whose processor time is limited by the system.
_READ_EACH = """
import os, resource, sys
from pathlib import Path
from wch_peewee.wordpress.php.reader import read_config

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

read_config(Path(sys.argv[0]), None, {})  # imports the parser
for number in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        before = memory()
        read_config(Path(sys.argv[1], f"{number}.php"), Path(sys.argv[1]), {"SET": "x"})
        os._exit(0 if memory() - before < 100 else 1)
    print(number, os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does")
def test_no_file_takes_more_than_two_seconds_and_100_mb(tmp_path: Path) -> None:
    for number, source in enumerate(HOSTILE.values()):
        (tmp_path / f"{number}.php").write_text(f"<?php {source}")
    os.mkfifo(tmp_path / "pipe")
    doubling = "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))
    (tmp_path / ".env").write_text(
        f'A0={"x" * 16}\n{doubling}B="{chr(10) * 3_000}\nC={" " * 8_000}x\n' + 'D="x\n' * 500
    )
    command = [sys.executable, "-c", _READ_EACH, str(tmp_path), str(len(HOSTILE))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ends = [line.split() for line in done.stdout.splitlines()]
    assert len(ends) == len(HOSTILE), done.stderr
    assert [name for name, (_, end) in zip(HOSTILE, ends, strict=True) if end != "0"] == []
