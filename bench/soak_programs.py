"""The programs of a soak: a session that does what it is told, line by line, and who collects meanwhile."""

MEMBER = """
import importlib, importlib.util, json, sys, time
from sessionpkgs import Session, SessionPkgsError
session = Session(identity=sys.argv[1])

def holds(names, wrong):
    for name in names:
        module = importlib.import_module(name)
        if module.name != name or "/layers/" not in module.__file__:
            wrong.append(f"{name} is {module.__file__}")

def live(asked, told):
    names = asked["names"]
    record = session.declare(asked["text"], engine=asked["engine"], refresh=asked["refresh"])
    told["sources"].append(record["source"])
    holds(names, told["wrong"])
    try:
        for more in asked["more"]:
            told["sources"].append(session.add([more], engine=asked["engine"])["source"])
            holds([*names, more.replace("-", "_")], told["wrong"])
    finally:
        time.sleep(asked["hold"])
        for name in names:
            importlib.import_module(name + ".late")

for line in sys.stdin:
    asked, told = json.loads(line), {"sources": [], "wrong": [], "refused": "", "said": ""}
    try:
        live(asked, told)
    except SessionPkgsError as error:
        told["refused"], told["said"] = type(error).__name__, error.sentence
    if asked["reset"]:
        session.reset()
        told["wrong"] += [f"{name} stays" for name in asked["names"] if importlib.util.find_spec(name)]
    print(json.dumps(told), flush=True)
"""

COLLECTOR = """
import os, random, sys, threading, time, traceback
from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.store import Store
from sessionpkgs.store.collecting import collect, verify
store, dice, over = Store(os.environ["SESSIONPKGS_HOME"]), random.Random(int(sys.argv[1])), threading.Event()
store.prepare()
threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
rounds = refused = failed = damaged = 0
while not over.wait(dice.uniform(0, 0.4)):
    rounds += 1
    try:
        collect(store, days=dice.choice((0, 0, 1, 30)))
        if rounds % 20 == 0:
            found = verify(store)
            damaged += len(found)
            print(*found, sep="\\n", file=sys.stderr)
    except SessionPkgsError as error:
        refused += 1
        print(error.sentence, file=sys.stderr)
    except Exception:
        failed += 1
        traceback.print_exc()
print(rounds, refused, failed, damaged)
"""
