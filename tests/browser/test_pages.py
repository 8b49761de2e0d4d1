"""The pages in a real browser: what people do with them, by mouse, by keyboard, on a phone, in the dark."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect
from sqlalchemy import delete, insert, update

from agent.core.canonical import canonical
from agent.core.deviation import Findings
from central.core.access import Role
from central.store import feeding
from central.store.engine import writing
from central.store.schema import cursors, set_asides
from tests.browser.conftest import PASSWORD, ROOT, Desk, Watched
from tests.sim.deviations import KINDS
from tests.sim.fleet import DIGEST, THING, WIKI, running

pytestmark = pytest.mark.browser

Opens = Callable[..., Watched]


def test_signing_in_leads_to_the_page_that_was_wanted(window: Opens) -> None:
    page = window().goes("/devices?q=fin-")
    page.get_by_label("Name").fill("sonja")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(8)


def test_the_search_answers_as_one_types(window: Opens) -> None:
    me = window()
    me.signs_in(Role.VIEWER)
    page = me.goes("/devices")
    expect(page.locator("#rows tbody tr")).to_have_count(24)
    page.get_by_label("Search devices").press_sequentially("ops-laptop-1")
    expect(page.locator("#rows tbody tr")).to_have_count(3)
    assert "q=ops-laptop-1" in page.url  # what is seen can be sent on
    page.get_by_label("Search devices").fill("hana")
    expect(page.locator("#rows tbody tr")).to_have_count(3)
    page.get_by_label("state").select_option("unknown")
    expect(page.locator("#rows tbody tr")).to_have_count(2)


def test_everything_works_without_script(window: Opens) -> None:
    me = window(java_script_enabled=False)
    me.signs_in(Role.SOC)
    page = me.goes("/devices")
    page.get_by_label("Search devices").fill("dev-laptop-05")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="dev-laptop-05").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("dev-laptop-05")
    page.locator("summary", has_text="Comment").first.click()
    page.locator("textarea:visible").fill("seen without script")
    page.get_by_role("button", name="Comment").first.click()
    expect(page.get_by_text("seen without script")).to_be_visible()


def test_the_help_desk_reads_the_answer_and_asks_for_a_fresh_look(window: Opens) -> None:
    me = window()
    me.signs_in(Role.HELP_DESK)
    page = me.goes("/devices?q=dev-laptop-05")
    page.get_by_role("link", name="dev-laptop-05").click()
    answer = page.locator("section.answer")
    for said in (
        "deviating",
        "Why",
        "Tell the user",
        "IT repairs the policy files",
        "IT must",
        "Push the managed files",
    ):
        expect(answer).to_contain_text(said)
    expect(page.locator("body")).not_to_contain_text("secret-merger")
    page.get_by_role("button", name="Look again now").click()
    expect(page.get_by_role("status")).to_contain_text("hugo asked for a fresh look")
    expect(page.get_by_text("Suppress", exact=True)).to_have_count(0)


def test_an_alert_is_acknowledged_assigned_commented_suppressed_and_taken_up_again(window: Opens) -> None:
    me = window()
    me.signs_in(Role.SOC)
    page = me.goes("/alerts?order=spread")
    row = page.locator("tbody tr", has_text=" ".join(THING))
    expect(row.locator(".number")).to_have_text("5")
    row.get_by_role("link").click()
    group = page.locator("section.answer")
    group.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged by sonja")).to_have_count(5)
    group.locator("summary", has_text="Assign").click()
    group.get_by_label("To").fill("hugo")
    group.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("Assigned to hugo")).to_have_count(5)
    group.locator("summary", has_text="Comment").click()
    group.get_by_label("Comment").fill("asked the vendor <now>")
    group.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("asked the vendor <now>")).to_have_count(5)
    group.locator("summary", has_text="Suppress").click()
    group.get_by_label("Because").fill("a trial until the end of the month")
    group.get_by_role("button", name="Make an exception").click()
    expect(group).to_contain_text("a trial until the end of the month")
    expect(me.goes("/alerts").locator("tbody tr", has_text=" ".join(THING))).to_have_count(0)
    me.goes("/exceptions").get_by_role("button", name="End now").click()
    expect(page.locator("tr.over")).to_have_count(1)
    expect(me.goes("/alerts").locator("tbody tr", has_text=" ".join(THING))).to_have_count(1)
    audit = me.goes("/audit").locator("tbody")
    for action in ("alert.acknowledge", "alert.assign", "alert.comment", "exception.make", "exception.end"):
        expect(audit).to_contain_text(action)


def test_the_preview_says_what_an_uploaded_candidate_would_change(window: Opens, tmp_path: Path) -> None:
    candidate = tmp_path / "managed-settings.json"
    candidate.write_text(json.dumps({"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverUrl": WIKI}]}))
    me = window()
    me.signs_in(Role.SOC)
    page = me.goes("/preview")
    page.get_by_label("or a file").set_input_files(candidate)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".tile.blocked")).to_contain_text("24 newly blocked, on 24 devices")
    expect(page.locator("tbody tr").first).to_contain_text("uvx mcp-server-time@2026.1.1")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 25
    page.get_by_label("Candidate").fill("{")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Clients would not start under this policy")).to_be_visible()


def test_who_may_not_is_told_so(window: Opens) -> None:
    me = window()
    page = me.signs_in(Role.VIEWER)
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    me.goes("/audit")
    expect(page.get_by_role("heading", name="Not permitted")).to_be_visible()
    me.trouble.clear()  # the browser notes the 403 itself
    me.goes("/devices?q=dev-laptop-05")
    page.get_by_role("link", name="dev-laptop-05").click()
    expect(page.locator("main form")).to_have_count(0)


def test_a_keyboard_is_enough(window: Opens) -> None:
    me = window()
    page = me.signs_in(Role.SOC)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Find a device")).to_be_focused()
    page.keyboard.type("fin-laptop-07")
    page.keyboard.press("Enter")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    link = page.get_by_role("link", name="fin-laptop-07")
    for _ in range(12):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("fin-laptop-07")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Acknowledge":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Acknowledged by sonja")).not_to_have_count(0)


def test_an_administrator_lets_somebody_in_who_sets_a_password(window: Opens) -> None:
    me = window()
    me.signs_in(Role.ADMIN)
    page = me.goes("/access")
    form = page.get_by_role("form", name="Add a person")
    form.get_by_label("Name").fill("nina")
    form.get_by_label("Role").select_option("soc")
    form.get_by_role("button", name="Add a person").click()
    link = page.locator(".secret").inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.locator("tbody tr", has_text="nina")).to_contain_text("one-time link")
    other = window()
    there = other.page
    there.goto(link)
    there.get_by_role("button", name="Sign in").click()
    expect(there.get_by_role("heading", name="Set a password")).to_be_visible()
    there.get_by_label("New password").fill("a password of one's own")
    there.get_by_label("Again").fill("a password of one's own")
    there.keyboard.press("Enter")
    expect(there.get_by_role("link", name="Destinations")).to_be_visible()
    me.goes("/access")
    row = page.locator("tbody tr", has_text="nina")
    row.locator("summary", has_text="Remove").click()
    row.get_by_role("button", name="Remove nina").click()
    expect(row).to_contain_text("removed")
    there.reload()
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_is_made_shown_once_and_revoked(window: Opens) -> None:
    me = window()
    me.signs_in(Role.ADMIN)
    page = me.goes("/access")
    form = page.get_by_role("form", name="Make a token")
    form.get_by_label("Name").fill("siem")
    form.get_by_role("checkbox", name="feed:").check()
    form.get_by_role("button", name="Make a token").click()
    shown = page.locator(".secret").inner_text()
    asked = requests.get(f"{me.desk.address}/v1/alerts", headers={"Authorization": f"Bearer {shown}"}, timeout=10)
    assert asked.status_code == 200
    page.get_by_role("link", name="Done").click()
    row = page.locator("tbody tr", has_text="siem")
    expect(row).to_contain_text("feed, read")
    row.locator("summary", has_text="Revoke").click()
    row.get_by_role("button", name="Revoke siem").click()
    expect(row).to_contain_text("revoked")


def test_on_a_phone_what_a_destination_refused_is_sent_again_by_a_button(window: Opens, desk: Desk) -> None:
    row = {"destination": "pager", "first": 1, "last": 2, "alerts": 2, "at": time.time(), "reason": "answered 400"}
    with writing(desk.engine) as connection:
        connection.execute(insert(set_asides), row)
    me = window(viewport={"width": 390, "height": 844})
    me.signs_in(Role.SOC)
    page = me.goes("/destinations")
    expect(page.get_by_role("link", name="Destinations")).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Send again to pager").click()
    expect(page.get_by_text("It is being sent again.")).to_be_visible()
    expect(page.get_by_role("button", name="Send again to pager")).to_have_count(0)
    with writing(desk.engine) as connection:
        connection.execute(delete(set_asides))


def test_a_stuck_destination_is_on_every_page_and_its_page_follows_by_itself(window: Opens, desk: Desk) -> None:
    now = time.time()
    with writing(desk.engine) as connection:
        behind = {"position": 0, "problem": "503 Service Unavailable", "problem_at": now - 7_200, "held_until": now}
        connection.execute(update(cursors).where(cursors.c.destination == "pager").values(behind))
    me = window()
    page = me.signs_in(Role.SOC)
    page.get_by_role("alert").get_by_role("link", name="Alerts do not reach pager").click()
    row = page.locator("tbody tr", has_text="pager")
    expect(row).to_contain_text("stuck")
    expect(row).to_contain_text("the oldest for 4 hours: ")
    with writing(desk.engine) as connection:
        done = {"position": feeding.head(connection), "problem": "", "problem_at": None, "accepted_at": now}
        connection.execute(update(cursors).where(cursors.c.destination == "pager").values(done))
    expect(row).to_contain_text("up to date", timeout=10_000)


PAGES = (
    "/",
    "/devices",
    "/alerts",
    "/servers",
    "/exceptions",
    "/audit",
    "/preview",
    "/destinations",
    "/access",
    "/password",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_fit_on_a_phone_and_a_screen_in_light_and_dark(window: Opens, scheme: str, width: int) -> None:
    me = window(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = me.signs_in(Role.ADMIN)
    page.goto(me.desk.address + "/devices?q=dev-laptop-05")
    page.get_by_role("link", name="dev-laptop-05").click()
    device = page.url.removeprefix(me.desk.address)
    page.goto(me.desk.address + "/alerts")
    page.locator("tbody a").first.click()
    for path in (*PAGES, device, page.url.removeprefix(me.desk.address)):
        me.goes(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide"
        shade = [
            int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
        ]
        assert (sum(shade[:3]) > 600) == (scheme == "light"), path
        assert page.locator("h1").count() == 1, path
        unnamed = page.locator("input:not([type=hidden]), select, textarea").evaluate_all(
            "all => all.filter(one => !one.labels?.length && !one.getAttribute('aria-label')).map(one => one.name)"
        )
        assert unnamed == [], path


def test_an_open_page_says_that_the_server_no_longer_answers(window: Opens) -> None:
    me = window()
    me.signs_in(Role.VIEWER)
    page = me.goes("/alerts")
    stale = page.get_by_text("this page shows what was true at")
    expect(stale).to_be_hidden()
    me.context.set_offline(True)
    expect(stale).to_be_visible(timeout=15_000)
    me.context.set_offline(False)
    expect(stale).to_be_hidden(timeout=15_000)
    me.trouble.clear()  # the browser notes what did not get through


AXE = ROOT / ".scratch" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1200, "dark"), (1200, "light")])
def test_pages_hold_to_wcag(window: Opens, width: int, scheme: str) -> None:
    """Deque's axe-core finds nothing: contrast, names, order of headings, landmarks."""
    me = window(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = me.signs_in(Role.ADMIN)
    found: list[str] = []
    first = [(path, "tbody a") for path in ("/devices?q=dev-laptop-05", "/alerts", "/servers")]
    for path, chosen in (*((path, "") for path in PAGES), *first):
        me.goes(path)
        if chosen:
            page.locator(chosen).first.click()
            page.wait_for_load_state()
        page.evaluate(AXE.read_text())
        violations = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
        found += [f"{path}: {one['id']}: {node['target']}" for one in violations for node in one["nodes"]]
    assert found == []


def test_what_is_reported_is_on_an_open_page_and_in_the_feed_within_two_seconds(window: Opens, desk: Desk) -> None:
    me = window()
    me.signs_in(Role.SOC)
    page = me.goes("/alerts")
    page.wait_for_timeout(1_600)  # the page has looked for the first time
    reporter = desk.fleet.reporters["ops-laptop-24"]
    reporter.now = time.time()
    novel = running("hana", ("npx", "-y", "mcp-just-appeared"))
    reporter.finds(Findings(present={novel.key: novel}, looked=KINDS))
    reporter.beats("deviating", digest=DIGEST)
    batch = reporter.batch()
    headers = {
        "Authorization": f"Bearer {reporter.credential}",
        "X-Device-Id": reporter.id,
        "Idempotency-Key": batch.id,
    }
    body = b"\n".join(canonical(event).encode() for event in batch.events)
    begun = time.monotonic()
    sent = requests.post(f"{desk.address}/v1/events", data=body, headers=headers, timeout=10)
    assert sent.status_code == 200, sent.text
    expect(page.locator("tbody tr", has_text="mcp-just-appeared")).to_have_count(1, timeout=5_000)
    took = time.monotonic() - begun
    feed = page.request.get(f"{desk.address}/v1/alerts?most=5000").text()
    assert "mcp-just-appeared" in feed.splitlines()[-1]
    assert took < 2.5, f"{took:.1f} s"
