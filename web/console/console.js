"use strict";

const $ = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en-IN");
const history_max = 60; // seconds shown in the sparkline
const certificate_days_low = 30;
const points_every_ms = 60000; // the server looks at every balance for it
const state = { token: "", purchases: [], timer: 0, quarantine_shown: "", tills_shown: "", code_until: 0, code_timer: 0, points_at: 0 };

// Out of the address bar, so that it is neither bookmarked nor shown on a shared screen.
function take_token() {
  const params = new URLSearchParams(location.search);
  const given = params.get("token");
  if (given) {
    sessionStorage.setItem("mudi-token", given);
    history.replaceState(null, "", location.pathname);
  }
  return given || sessionStorage.getItem("mudi-token") || "";
}

class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

async function call(path, method = "GET", document_sent = undefined) {
  const body_sent = document_sent === undefined ? undefined : JSON.stringify(document_sent);
  const headers = { Authorization: `Bearer ${state.token}` };
  if (body_sent !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body_sent, cache: "no-store" });
  const text = await answer.text();
  const body = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Refused(answer.status, body.detail || body.title || `answer ${answer.status}`);
  return body;
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3600000) return `${Math.floor(ms / 60000)} min`;
  if (ms < 86400000) return `${Math.floor(ms / 3600000)} h ${Math.floor(ms / 60000) % 60} min`;
  return `${Math.floor(ms / 86400000)} d ${Math.floor(ms / 3600000) % 24} h`;
}

function ago(us) {
  if (!us) return "never";
  const ms = Date.now() - us / 1000;
  return ms < 2000 ? "now" : `${duration(ms)} ago`;
}

function money(minor, currency) {
  try {
    const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${numbers.format(minor)} ${currency || ""}`;
  }
}

function count(number, one, many) {
  return `${numbers.format(number)} ${number === 1 ? one : many}`;
}

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  if (text !== "") made.textContent = text;
  if (name) made.className = name;
  return made;
}

function put(id, value) {
  const node = $(id);
  const text = typeof value === "number" ? numbers.format(value) : value;
  if (node.textContent !== text) node.textContent = text;
}

function toast(text) {
  put("toast", text);
  $("toast").hidden = false;
  clearTimeout(state.toast);
  state.toast = setTimeout(() => { $("toast").hidden = true; }, 4000);
}

function show_link(name, text) {
  $("link").className = `pill ${name}`;
  put("link", text);
}

function draw_spark() {
  const rates = [];
  for (let i = 1; i < state.purchases.length; ++i) {
    const [before, now] = [state.purchases[i - 1], state.purchases[i]];
    rates.push(Math.max(0, (now.count - before.count) / Math.max(0.2, (now.at - before.at) / 1000)));
  }
  const top = Math.max(1, ...rates);
  const points = rates.map((rate, i) => {
    const x = 120 - (rates.length - 1 - i) * (120 / history_max);
    return `${x.toFixed(1)},${(34 - (rate / top) * 30).toFixed(1)}`;
  });
  const line = points.length ? `M${points.join(" L")}` : "";
  $("spark").querySelector(".line").setAttribute("d", line);
  const left = points.length ? points[0].split(",")[0] : 120;
  $("spark").querySelector(".area").setAttribute("d", line ? `${line} L120,36 L${left},36 Z` : "");
  const recent = rates.slice(-5);
  const mean = recent.length ? recent.reduce((sum, rate) => sum + rate, 0) / recent.length : 0;
  put("rate", mean < 10 ? mean.toFixed(1) : numbers.format(Math.round(mean)));
}

function show_status(status) {
  state.purchases.push({ at: performance.now(), count: status.purchases });
  if (state.purchases.length > history_max) state.purchases.shift();
  draw_spark();
  put("purchases", status.purchases);
  put("lines", status.lines);
  put("connected", status.connected);
  put("tills-count", status.tills);
  const away = status.tills - status.connected;
  put("tills-note", status.tills === 0 ? "none known yet" : away === 0 ? "all in touch" : `${away} offline, still selling`);
  put("lag", duration(status.lag_ms));
  put("waiting", status.inbox.waiting);
  put("profiles", status.profiles);
  put("records", status.source_records);
  put("merges", status.merges);
  put("offers", status.offers_out);
  put("pushed", status.offers_pushed);
  put("feed", status.feed_rows);
  put("quarantined", status.inbox.quarantined);
  put("quarantine-note", status.inbox.quarantined ? "need a look, see below" : "nothing waits for you");
  $("quarantine-tile").classList.toggle("alarm", status.inbox.quarantined > 0);
  show_alarms(status.alarms);
  $("access-open").hidden = status.access !== "open";
  show_backup(status);
  put("fact-database", status.database);
  put("fact-uptime", duration(status.uptime_s * 1000));
  put("fact-memory", `${numbers.format(Math.round(status.rss_kib / 1024))} MiB`);
  put("fact-version", status.version);
}

function rows_into(table, rows) {
  const body = $(table).tBodies[0];
  const fresh = rows.map((cells) => {
    const row = document.createElement("tr");
    for (const [value, name] of cells) {
      const cell = element("td", value instanceof Node ? "" : String(value), name || "");
      if (value instanceof Node) cell.append(value);
      row.append(cell);
    }
    return row;
  });
  body.replaceChildren(...fresh);
}

function show_alarms(alarms) {
  $("alarms-panel").hidden = alarms.length === 0;
  const lines = alarms.map((alarm) => {
    const line = element("li");
    line.append(element("b", alarm.till ? `Till ${alarm.till}` : "Server"),
      ` ${alarm.text}${alarm.for_ms ? `, for ${duration(alarm.for_ms)}` : ""} `, element("code", alarm.name));
    return line;
  });
  $("alarms").replaceChildren(...lines);
}

function show_backup(status) {
  const backup = status.backup;
  const unsafe = status.inbox.unsafe;
  const last = backup.last_us ? `Last verified backup ${ago(backup.last_us)}` : "No verified backup yet";
  const rest = unsafe ? `; ${count(unsafe, "event is", "events are")} in none and stay on the tills too` : "; it has everything";
  put("backup-note", `${last}${rest}${backup.running ? "; one is being made" : ""}${backup.failed ? `; the last attempt FAILED (${backup.failed})` : ""}.`);
  $("backup-note").classList.toggle("refused", Boolean(backup.failed));
}

function show_points(points) {
  const escrow = points.offline === "escrow";
  put("points-policy", escrow
    ? `Escrow: up to ${numbers.format(points.store_max)} points of a customer are set aside for each store's lead till${points.till_max ? `, ${numbers.format(points.till_max)} for every other` : ""}. Nothing can be spent twice.`
    : `Floor limit: up to ${count(points.redeem_offline_max, "point", "points")} of a customer at every till while the server is away, at the owner's risk.`);
  const unconfirmed = points.breached.points > points.confirmed.points;
  $("points-confirm").hidden = !unconfirmed;
  const alarm = unconfirmed
    ? "Points were spent that nobody had set aside: look for cloned tills, then confirm that you have seen it."
    : points.settling ? "After a restore: no points can be spent until every till has told what it did." : "";
  put("points-alarm", alarm);
  $("points-alarm").hidden = alarm === "";
  const rows = [["At risk in one outage", points.at_risk], ["Set aside for tills", points.outstanding], ["On hold at the server", points.held],
    ["Owed by customers below zero", points.overdrawn], ["Spent without cover, ever", points.breached]];
  rows_into("points", rows.map(([what, figure]) => [[what], [numbers.format(figure.points), "n"], [money(figure.amount, points.currency), "n"]]));
}

async function refresh_points() {
  if (performance.now() - state.points_at < points_every_ms && state.points_at !== 0) return;
  show_points(await call("/api/v1/points"));
  state.points_at = performance.now();
}

async function confirm_points() {
  await call("/api/v1/points/confirm", "POST");
  state.points_at = 0;
  await refresh_points();
}

function till_state(till) {
  const code_waits = till.code_expires_us > Date.now() * 1000;
  if (till.revoked) return [code_waits ? "revoked, code waits" : "revoked", "pill down"];
  if (till.clone) return ["clone", "pill down"];
  if (till.stalled) return ["stalled", "pill down"];
  if (till.connected) return ["connected", "pill"];
  if (till.last_contact_us) return ["offline", "pill waiting"];
  return [code_waits ? "code waits" : till.code_expires_us ? "code too old" : "not yet here", "pill waiting"];
}

function till_lives(till) {
  return till.forked_us ? `${numbers.format(till.lives)}, forked ${ago(till.forked_us)}` : numbers.format(till.lives);
}

function till_certificate(till) {
  if (till.certificate_days === null) return ["–", "n"];
  if (till.certificate_days < 0) return ["expired", "n bad"];
  return [`${numbers.format(till.certificate_days)} d`, till.certificate_days < certificate_days_low ? "n late" : "n"];
}

function till_buttons(till) {
  const box = element("span", "", "buttons");
  const code = element("button", "New code");
  code.type = "button";
  code.title = "New disk or new machine: enrol it again";
  code.addEventListener("click", () => ask_for_code(`/api/v1/tills/${till.till}/code`, {}));
  box.append(code);
  if (!till.revoked) {
    const cut = element("button", "Revoke", "danger");
    cut.type = "button";
    cut.addEventListener("click", () => revoke(till));
    box.append(cut);
  }
  return box;
}

function show_tills(tills) {
  $("tills").hidden = tills.length === 0;
  $("tills-empty").hidden = tills.length > 0;
  const rows = tills.map((till) => {
    const [word, pill] = till_state(till);
    const clock = till.clock_ahead_ms;
    return [
      [till.till, "strong"], [till.store], [till.lead ? `${till.workstation} (lead)` : till.workstation],
      [word, pill], [ago(till.last_contact_us)],
      [numbers.format(till.unsent), till.stalled ? "n bad" : till.unsent > 0 ? "n late" : "n"],
      [numbers.format(till.unsafe), "n"],
      [till_lives(till), till.clone ? "n bad" : till.forked_us ? "n late" : "n"],
      till.last_contact_us ? [`${clock < 0 ? "−" : "+"}${duration(Math.abs(clock))}`, Math.abs(clock) > 60000 ? "n late" : "n"] : ["–", "n"],
      [numbers.format(till.quarantined), till.quarantined > 0 ? "n bad" : "n"],
      till_certificate(till), [till.version || "–"],
    ];
  });
  for (const row of rows) row[3] = [element("span", row[3][0], row[3][1])];
  const shown = JSON.stringify(tills.map((till) => [till.till, till.revoked]));
  if (shown !== state.tills_shown) {
    state.tills_shown = shown;
    return rows_into("tills", rows.map((row, i) => [...row, [till_buttons(tills[i])]]));
  }
  // A button must not vanish under the pointer: only what changes is put in anew.
  rows.forEach((row, i) => row.forEach(([value, name], k) => {
    const cell = $("tills").tBodies[0].rows[i].cells[k];
    cell.className = name || "";
    if (value instanceof Node) cell.replaceChildren(value);
    else if (cell.textContent !== String(value)) cell.textContent = String(value);
  }));
}

async function ask_for_code(path, wanted) {
  try {
    show_code(await call(path, "POST", wanted));
    $("new-till").hidden = true;
  } catch (refused) {
    toast(refused.message);
  }
}

function show_code(given) {
  put("code-who", `Till ${given.till}, store ${given.store}, workstation ${given.workstation}`);
  put("code-text", given.code);
  put("code-command", `mudi till enrol --server ${location.origin} --code ${given.code}`);
  state.code_until = given.code_expires_us / 1000;
  clearInterval(state.code_timer);
  state.code_timer = setInterval(show_code_left, 1000);
  show_code_left();
  $("code-dialog").showModal();
}

function show_code_left() {
  const seconds = Math.max(0, Math.round((state.code_until - Date.now()) / 1000));
  put("code-left", seconds ? `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s left` : "The code has run out: make a new one.");
  if (!seconds) clearInterval(state.code_timer);
}

async function revoke(till) {
  const sure = confirm(`Cut off till ${till.till} (${till.store}/${till.workstation}) now?\n\nIt goes on selling, but nothing of it comes in until it is enrolled again.`);
  if (!sure) return;
  try {
    await call(`/api/v1/tills/${till.till}/revoke`, "POST", {});
    toast(`Till ${till.till} is cut off.`);
  } catch (refused) {
    toast(refused.message);
  }
}

async function retry(id) {
  try {
    const done = await call(`/api/v1/quarantine/${id === null ? "" : `${id}/`}retry`, "POST");
    toast(`${numbers.format(done.applied)} of ${numbers.format(done.retried)} applied, ${numbers.format(done.left)} left`);
  } catch (refused) {
    toast(refused.message);
  }
  state.quarantine_shown = "";
  await refresh_quarantine();
}

function show_quarantine(events) {
  $("quarantine-panel").hidden = events.length === 0;
  const shown = JSON.stringify(events);
  if (shown === state.quarantine_shown) return; // a button must not vanish under the pointer
  state.quarantine_shown = shown;
  rows_into("quarantine", events.map((event) => {
    const button = element("button", "Retry");
    button.type = "button";
    button.addEventListener("click", () => { button.disabled = true; retry(event.id); });
    return [[event.id, "strong"], [event.till], [numbers.format(event.seq), "n"], [event.detail ? `${event.reason}: ${event.detail}` : event.reason, "reason"],
      [event.kind, "n"], [event.attempts, "n"], [ago(event.received_us)], [button]];
  }));
}

async function refresh_quarantine() {
  show_quarantine((await call("/api/v1/quarantine")).events);
}

function show_customer(profile) {
  const card = element("div", "", "customer");
  const who = element("div");
  who.append(element("h3", profile.name || `Profile ${profile.id}`));
  const meta = element("div", "", "meta");
  const reasons = new Set(profile.merged_because.map((link) => link.reason.replaceAll("_", " ")));
  const merged = reasons.size ? `, one person by ${[...reasons].join(", ")}` : "";
  const tier = element("div");
  if (profile.tier) tier.append(element("span", profile.tier, "badge"), " ");
  tier.append(`${numbers.format(profile.points)} points`);
  meta.append(tier, element("div", `${count(profile.cards.length, "card", "cards")}${profile.phone ? ` · ${profile.phone}` : ""}`),
    element("div", `${count(profile.visits, "visit", "visits")} · ${money(profile.spent, profile.currency)}`),
    element("div", `last visit ${profile.last_visit_us ? ago(profile.last_visit_us) : "never"}`),
    element("div", count(profile.records.length, "record", "records") + merged));
  who.append(meta);
  const offers = element("div");
  for (const offer of profile.offers) {
    const box = element("div", "", "offer");
    box.append(element("b", offer.title), element("span", offer.reason));
    offers.append(box);
  }
  if (profile.offers.length === 0) offers.append(element("p", "No offer out.", "empty"));
  card.append(who, offers);
  return card;
}

async function find(event) {
  event.preventDefault();
  const what = $("find-what").value.trim();
  if (!what) return;
  $("find-note").hidden = true;
  try {
    const found = (await call(`/api/v1/customers/find?q=${encodeURIComponent(what)}`)).profiles;
    $("found").replaceChildren(...found.map(show_customer));
    if (found.length === 0) { put("find-note", "Nobody is known by that."); $("find-note").hidden = false; }
  } catch (refused) {
    $("found").replaceChildren();
    put("find-note", refused.message);
    $("find-note").hidden = false;
  }
}

function ask_for_token(refused) {
  clearTimeout(state.timer);
  $("board").hidden = true;
  $("gate").hidden = false;
  $("gate-refused").hidden = !refused;
  show_link("waiting", "locked");
  $("gate-token").focus();
}

async function refresh() {
  let again = 1000;
  try {
    const [status, tills] = await Promise.all([call("/api/v1/status"), call("/api/v1/tills")]);
    $("gate").hidden = true;
    $("board").hidden = false;
    show_link("", "live");
    show_status(status);
    show_tills(tills.tills);
    await refresh_points();
    if (status.inbox.quarantined > 0 || state.quarantine_shown !== "") await refresh_quarantine();
  } catch (refused) {
    if (refused.status === 401) return ask_for_token(true);
    show_link("down", "no answer");
    again = 2000;
  }
  state.timer = setTimeout(refresh, again);
}

$("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = $("gate-token").value.trim();
  sessionStorage.setItem("mudi-token", state.token);
  refresh();
});
$("add-till").addEventListener("click", () => { $("new-till").hidden = false; $("new-store").focus(); });
$("new-cancel").addEventListener("click", () => { $("new-till").hidden = true; });
$("new-till").addEventListener("submit", (event) => {
  event.preventDefault();
  ask_for_code("/api/v1/tills", { store: $("new-store").value.trim(), workstation: $("new-workstation").value.trim() });
});
$("code-dialog").addEventListener("close", () => { clearInterval(state.code_timer); put("code-text", ""); put("code-command", ""); });
$("find").addEventListener("submit", find);
$("points-confirm").addEventListener("click", confirm_points);
$("retry-all").addEventListener("click", () => retry(null));
state.token = take_token();
if (state.token) refresh(); else ask_for_token(false);
