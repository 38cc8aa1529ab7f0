"""How the sandbox's page looks: its one stylesheet and the HTML of each part. Nothing is fetched."""

import time
from html import escape
from typing import TYPE_CHECKING, Any

from tenants.sandbox import control
from tenants.sandbox.faults import KINDS
from tenants.sandbox.wire import Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox

STYLE = """
:root {
  color-scheme: light dark; --line: #8884; --ink: light-dark(#1d2733, #e8edf2);
  --soft: light-dark(#5a6673, #9aa7b4); --card: light-dark(#fff, #1b222a);
  --back: light-dark(#f4f6f8, #12171c); --mark: light-dark(#0b5cad, #7db7ff);
}
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back) }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)) }
header, .wide { grid-column: 1 / -1 }
h1 { margin: 0; font-size: 1.5rem }
h2 { margin: 0 0 .5rem; font-size: 1.05rem }
p { margin: .2rem 0; color: var(--soft) }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem;
  overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-top: 1px solid var(--line);
  vertical-align: top }
th { color: var(--soft); font-weight: 500; white-space: nowrap }
code { font-size: .85em; overflow-wrap: anywhere }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: .6rem }
label { display: grid; font-size: .85rem; color: var(--soft) }
input, select, button { font: inherit; padding: .3rem .5rem; border: 1px solid var(--line);
  border-radius: .35rem; background: var(--back); color: inherit }
button { background: var(--mark); color: light-dark(#fff, #10151a); border-color: transparent;
  cursor: pointer }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px }
.bad { color: light-dark(#b3261e, #ff9d94) }
"""


def html(sandbox: "Sandbox", request: Request) -> str:
    worlds = "".join(_world(sandbox, name) for name in sandbox.worlds)
    limits = f"on, budgets × {sandbox.limit_factor:g}" if sandbox.limits else "off"
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>Sandbox</title><style>{STYLE}</style></head><body><main><header><h1>Sandbox</h1>"
        f"<p>A local CXone and RingCentral. Base URL for both: <code>{escape(request.origin)}</code> · "
        f"rate limits {limits} · tokens live {sandbox.token_lifetime:g} s</p></header>"
        f"{worlds}{_faults(sandbox)}{_email(sandbox)}{_requests(sandbox)}</main></body></html>"
    )


def _world(sandbox: "Sandbox", name: str) -> str:
    about = control.describe(sandbox, name)
    rows = "".join(
        f"<tr><th>{side} {escape(key)}<td><code>{escape(value)}</code>"
        for side, values in about["credentials"].items()
        for key, value in values.items()
    )
    return (
        f"<section><h2>{escape(name)}</h2><p>{about['people']:,} people: {about['cxone']:,} CXone users, "
        f"{about['ringcentral']:,} RingCentral extensions</p><table>{rows}</table></section>"
    )


def _faults(sandbox: "Sandbox") -> str:
    rules = "".join(
        f"<tr><td>{escape(rule.kind)}<td><code>{escape(rule.path or 'any path')}</code>"
        f"<td>{escape(rule.side or 'both')}"
        f"<td>from {rule.at}, {escape(str(rule.times))}<td>{rule.hits} of {rule.seen}"
        for rule in sandbox.faults
    )
    table = (
        f"<table><tr><th>kind<th>path<th>side<th>when<th>spoilt{rules}</table>"
        if rules
        else "<p>None armed.</p>"
    )
    return (
        "<section><h2>Faults</h2><form method=post action=/_sandbox/page/arm>"
        f"<label>Kind<select name=kind>{_options(KINDS)}</select></label>"
        f"<label>World<select name=world><option value=''>all{_options(sandbox.worlds)}</select></label>"
        "<label>Side<select name=side><option value=''>both"
        f"{_options(('cxone', 'ringcentral'))}</select></label>"
        "<label>Path contains<input name=path size=16 placeholder='extension$'></label>"
        "<label>From call<input name=at value=1 size=3></label>"
        "<label>Times, or always<input name=times value=1 size=6></label>"
        "<label>Value (slow: seconds)<input name=value size=6></label>"
        "<button>Arm</button></form>"
        "<form method=post action=/_sandbox/page/clear><button>Clear all</button></form>"
        f"{table}</section>"
    )


def _email(sandbox: "Sandbox") -> str:
    return (
        "<section><h2>Change an address</h2><form method=post action=/_sandbox/page/email>"
        f"<label>World<select name=world>{_options(sandbox.worlds)}</select></label>"
        f"<label>Side<select name=side>{_options(('cxone', 'ringcentral'))}</select></label>"
        "<label>CXone user id, or platform id<input name=id required size=24></label>"
        "<label>Address, empty for none<input name=email size=24></label>"
        "<button>Change</button></form></section>"
    )


def _requests(sandbox: "Sandbox") -> str:
    rows = "".join(
        f"<tr><td>{time.strftime('%H:%M:%S', time.localtime(entry.time))}<td>{escape(entry.world)}"
        f"<td>{escape(entry.method)} <code>{escape(entry.path)}</code>"
        f"<td{' class=bad' if entry.status >= 400 or entry.fault else ''}>{entry.status or 'cut'}"
        f" {escape(entry.fault)}"
        for entry in reversed(sandbox.log.last(25))
    )
    head = "<tr><th>time<th>world<th>call<th>answer"
    return f"<section class=wide><h2>Last requests</h2><table>{head}{rows}</table></section>"


def _options(names: Any) -> str:
    return "".join(f"<option>{escape(name)}" for name in names)
