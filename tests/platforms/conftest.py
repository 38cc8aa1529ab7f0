"""The sandbox in process and over a socket, and clients that reach it without waiting for real."""

import pytest

from tenants.platforms.cxone import Cxone
from tenants.platforms.http import Http
from tenants.platforms.ringcentral import RingCentral
from tenants.platforms.tokens import MemoryTokens
from tenants.sandbox.app import Sandbox
from tenants.sandbox.server import serve
from tenants.sandbox.world import World
from tests.platforms.stage import Clock
from tests.wsgi import wsgi_session

KINDS = {"ringcentral": RingCentral, "cxone": Cxone}


@pytest.fixture
def sandbox():
    """A company of 400, without rate limits, in pages of 100."""
    sandbox = Sandbox({"acme": World(people=400, seed=1, name="acme")})
    sandbox.limits = False
    sandbox.ringcentral_page = sandbox.cxone_page = 100
    return sandbox


@pytest.fixture
def served(sandbox):
    """The address of the sandbox over a socket."""
    server = serve(sandbox, port=0)
    yield server.url
    server.close()


@pytest.fixture
def reach(sandbox):
    """reach("cxone") gives a client of the sandbox in process; reach("cxone", url) one over a socket."""

    def make(side, url="http://127.0.0.1", *, tokens=None, **manners):
        clock = Clock()
        session = wsgi_session(sandbox) if url == "http://127.0.0.1" else None
        http = Http(url, session=session, **{"wait": clock.wait, "clock": clock} | manners)
        keys = sandbox.credentials("acme")[side]
        return KINDS[side](
            base_url=url, credentials=keys, tokens=tokens or MemoryTokens(), http=http, key="acme"
        )

    return make
