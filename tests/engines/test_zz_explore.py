import pytest, sys
from dataclasses import replace
from sessionpkgs.engines import ENGINES, find
from sessionpkgs.model import Requirement
from sessionpkgs.settings import Sources
from tests.wheelhouse import *
@pytest.fixture(params=sorted(ENGINES))
def engine(request):
    return find(request.param)
@pytest.fixture
def resolve(engine, room, request_for):
    return lambda *lines, **changes: engine.resolve(request_for(*lines, **changes), room())
def show(f):
    try: l=f(); print("RESULT", engine_name, [(p.name,p.version,p.kind,p.url[-40:],p.sha256[:6],p.editable) for p in l.pins], l.built)
    except Exception as e: print("RAISED", type(e).__name__, e, "| hint:", getattr(e,'hint',''))
engine_name=""
def test_hash_of_second(wheelhouse, resolve):
    wheelhouse.wheel("demo", tag=f"cp3{sys.version_info.minor}-none-any"); w=wheelhouse.wheel("demo")
    show(lambda: resolve(Requirement(line="demo",name="demo",hashes=("sha256:"+sha256_of(w),))))
def test_spaced(wheelhouse, resolve, tmp_path):
    w=Wheelhouse(tmp_path/"with space"); w.wheel("demo")
    show(lambda: resolve("demo", sources=Sources(implied=False, find_links=(str(w.folder),), no_index=True)))
def test_comma(wheelhouse, resolve, tmp_path):
    w=Wheelhouse(tmp_path/"with,comma"); w.wheel("demo")
    show(lambda: resolve("demo", sources=Sources(implied=False, find_links=(str(w.folder),), no_index=True)))
@pytest.mark.parametrize("ed",[True,False])
def test_dir(wheelhouse, engine, room, request_for, tmp_path, ed):
    p=project(tmp_path/"proj dir","proj")
    r=request_for(Requirement(line=f"proj @ {p.as_uri()}",name="proj",editable=ed))
    show(lambda: engine.resolve(r,room()))
    l=engine.resolve(r,room()); engine.install(l.pins,str(tmp_path/"site"),r,room())
    print(sorted(str(x.relative_to(tmp_path/"site")) for x in (tmp_path/"site").rglob("*")))
def test_foreign_wheels_and_source(wheelhouse, resolve):
    wheelhouse.wheel("demo", tag="cp36-cp36m-win32"); wheelhouse.sdist("demo", in_tree=True)
    show(lambda: resolve("demo"))
@pytest.mark.parametrize("ix",[True,False])
def test_requires_python(wheelhouse, resolve, ix):
    wheelhouse.wheel("demo", requires_python="<3.5"); wheelhouse.wheel("dep", "2.0", requires_python="<3.5");wheelhouse.wheel("dep", "1.0")
    if ix:
        with wheelhouse.index() as i:
            s=Sources(indexes=(i.url,),implied=False)
            show(lambda: resolve("demo",sources=s)); show(lambda: resolve("dep",sources=s)); show(lambda: resolve("dep>1",sources=s))
    else:
        show(lambda: resolve("demo")); show(lambda: resolve("dep")); show(lambda: resolve("dep>1"))
def test_pre(wheelhouse, resolve):
    wheelhouse.wheel("demo","2.0rc1"); wheelhouse.wheel("demo"); wheelhouse.wheel("app",requires=["demo"])
    show(lambda: resolve("demo",pre=True)); show(lambda: resolve("demo>=2")); show(lambda: resolve("app",no_deps=True))
def test_bad_meta(wheelhouse, resolve):
    wheelhouse.wheel("demo", requires=["not a ! requirement"]);
    show(lambda: resolve("demo"))
def test_trunc(wheelhouse, resolve):
    w=wheelhouse.wheel("demo"); w.write_bytes(w.read_bytes()[:200])
    show(lambda: resolve("demo"))
def test_missing_file(wheelhouse, resolve, tmp_path):
    show(lambda: resolve(f"demo @ file://{tmp_path}/demo-1.0-py3-none-any.whl"))
    show(lambda: resolve(f"demo @ file://{tmp_path}/none"))
def test_name_differs(wheelhouse, resolve, tmp_path):
    w=wheelhouse.wheel("demo")
    show(lambda: resolve(f"other @ file://{w}"))
def test_build_fails(wheelhouse, resolve):
    wheelhouse.sdist("broken", in_tree=True, requires=["x"], files={"a.py":"x"})
    import tarfile
    show(lambda: resolve("broken"))
def test_bad_hash_on_index(wheelhouse, engine, room, request_for, tmp_path):
    w=wheelhouse.wheel("demo")
    with wheelhouse.index() as i:
        h=sha256_of(w)
        i.faults["/simple/demo"]=lambda handler: not handler.answer(200, f'<a href="/files/{w.name}#sha256={"0"*64}">{w.name}</a>'.encode())
        r=request_for("demo",sources=Sources(indexes=(i.url,),implied=False))
        def go():
            l=engine.resolve(r,room()); engine.install(l.pins,str(tmp_path/"site"),r,room()); return l
        show(go)
def test_garbage(wheelhouse, resolve):
    wheelhouse.wheel("demo")
    with wheelhouse.index() as i:
        i.faults["/simple/demo"]=lambda handler: not handler.answer(200, b"\xff\xfe\x00garbage"*50)
        show(lambda: resolve("demo",sources=Sources(indexes=(i.url,),implied=False)))
        i.faults["/simple/demo"]=lambda handler: handler.connection.shutdown(2) or True
        show(lambda: resolve("demo",sources=Sources(indexes=(i.url,),implied=False)))
        i.faults["/simple/demo"]=404
        show(lambda: resolve("demo",sources=Sources(indexes=(i.url,),implied=False)))
def test_two_idx(wheelhouse, resolve):
    wheelhouse.wheel("demo"); 
    with wheelhouse.index() as i, wheelhouse.index() as j:
        show(lambda: resolve("demo",sources=Sources(indexes=(i.url,j.url),implied=False)))
        print(len(i.requests),len(j.requests))
