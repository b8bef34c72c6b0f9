import json
from tests.served import Served
async def test_a(served: Served) -> None:
    r = await served.ask("Services", "public")
    print(json.dumps(r))
    r = await served.send("{__typename}", None)
    print(r.status_code, r.text)
    r = await served.send("{viewer{role}}", None)
    print(r.status_code, r.text, r.headers)
    r = await served.send("{viewer{role}}", "nonsense")
    print(r.status_code, r.text)
async def test_b(served: Served) -> None:
    await served.ask("Services", "public")
async def test_c(served: Served) -> None:
    await served.ask("Services", "public")
async def test_d(served: Served) -> None:
    await served.ask("Home", "public")
