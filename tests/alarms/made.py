#!/usr/bin/env python3
"""Makes promtool's tests that are too long to write: `made.py SCRAPE ALERTS` writes them to standard output.

SCRAPE is what /metrics of a running gateway said after a good run. A healthy day is made of it: two replicas, two tenants,
rolling restarts, a call that failed in passing, a tenant that is added and one that is removed. And a night of 200 tenants of
which one has no good run any more. Complete: nothing else may fire.
"""
import json
import re
import sys

DAY = 24 * 60
BEAT = 10
LINE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
# The minutes at which each replica is restarted, one after the other; the last time both on one day's end.
RESTARTS = {"a": [480, 900], "b": [484, 904]}


def scraped(path):
    """(name, labels, figure) of each series."""
    with open(path, encoding="utf-8") as text:
        for line in text:
            found = LINE.match(line.rstrip("\n"))
            if found:
                yield found[1], dict(LABEL.findall(found[2] or "")), float(found[3])


def beat(minute):
    """The second of the last beat before a minute; 0 before the first."""
    return max(0, (minute - 1) // BEAT * BEAT * 60 + 30)


def value(name, labels, figure, minute, started):
    """What a healthy replica shows at a minute; it was started at another."""
    since = minute - started
    if name in ("process_start_time_seconds", "gateway_started_timestamp_seconds"):
        return started * 60
    if name in ("gateway_sync_failed_timestamp_seconds", "gateway_sync_halted_timestamp_seconds"):
        return 0
    if name in ("gateway_upstream_key_refused_timestamp_seconds", "gateway_sync_held_clients"):
        # The scrape is that of a first run, which holds back what a healthy day does not have.
        return 0
    if name == "gateway_upstream_failed_timestamp_seconds":
        # Once a call failed, and the next was answered.
        return 1_000 * 60 + 5 if minute >= 1_001 and started < 1_000 else 0
    if name == "gateway_upstream_answered_timestamp_seconds":
        return beat(minute) if since > 1 else 0
    if name == "gateway_mirror_loaded_timestamp_seconds" or name.startswith("gateway_sync_") and "timestamp" in name:
        return beat(minute)
    if name == "gateway_operations_oldest_age_seconds":
        return 45 if minute % 97 == 0 else 0
    if name == "gateway_http_requests_total" and labels["status"] == "200":
        return 10 * since
    if name == "gateway_upstream_calls_total" and labels["outcome"] == "ok":
        return 20 * since
    if name == "gateway_upstream_calls_total" and labels["outcome"] == "failed":
        return 1 if minute >= 1_001 and started < 1_000 else 0
    if name == "gateway_sync_runs_total" and (labels["kind"], labels["state"]) == ("full", "finished"):
        return since // BEAT
    if name.endswith(("_total", "_count", "_sum", "_bucket")):
        return 0
    return figure


def series(name, labels, values):
    """One input series; values that repeat are written once."""
    written, i = [], 0
    while i < len(values):
        j = i
        while j < len(values) and values[j] == values[i]:
            j += 1
        written.append(values[i] if j - i == 1 else f"{values[i]}x{j - i - 1}")
        i = j
    text = ",".join(f'{label}="{word}"' for label, word in labels.items())
    return {"series": f"{name}{{{text}}}", "values": " ".join(written)}


def replica_series(name, labels, figure, replica, first, last):
    """One series of a replica, from the minute that its tenant is added until it is removed."""
    values, started = [], first
    for minute in range(DAY):
        if minute in RESTARTS[replica]:
            started = minute + 1
        there = first <= minute < last and minute not in RESTARTS[replica]
        values.append(f"{value(name, labels, figure, minute, started):g}" if there else "_")
    while values and values[-1] == "_":
        values.pop()
    if last < DAY:
        values.append("stale")
    shown = {**labels, "instance": replica, "job": "int6-ozmap-gateway"}
    return series(name, shown, values)


def healthy_day(scrape):
    """Two replicas that are restarted one by one; `leste` is added at noon, `oeste` removed."""
    rows = []
    tenants = {"norte": (0, DAY), "sul": (0, DAY), "leste": (720, DAY), "oeste": (0, 720)}
    for name, labels, figure in scrape:
        of_tenant = tenants if "tenant" in labels else {None: (0, DAY)}
        for tenant, (first, last) in of_tenant.items():
            named = {**labels, "tenant": tenant} if tenant else labels
            rows += [replica_series(name, named, figure, replica, first, last) for replica in RESTARTS]
    for replica, restarts in RESTARTS.items():
        up = ["0" if minute in restarts else "1" for minute in range(DAY)]
        rows.append(series("up", {"job": "int6-ozmap-gateway", "instance": replica}, up))
    nothing = [{"expr": 'sum by (alertname, tenant) (count_over_time(ALERTS{alertstate="firing"}[1d]))',
                "eval_time": f"{DAY - 1}m", "exp_samples": []}]
    return {"name": "Nothing fires on a healthy day", "interval": "1m", "input_series": rows, "promql_expr_test": nothing}


def one_of_two_hundred():
    """The runs of one tenant fail from the second hour on; the others' go on."""
    night, rows = 240, []
    for number in range(200):
        for replica in ("a", "b"):
            labels = {"tenant": f"isp-{number}", "instance": replica}
            dead = number == 137
            good = [f"{min(beat(minute), 3_570) if dead else beat(minute)}" for minute in range(night)]
            failed = [f"{beat(minute) if dead and minute > 60 else 0}" for minute in range(night)]
            rows.append(series("gateway_sync_interval_seconds", labels, ["600"] * night))
            rows.append(series("gateway_sync_good_timestamp_seconds", labels, good))
            rows.append(series("gateway_sync_without_good_run_since_timestamp_seconds", labels, good))
            rows.append(series("gateway_sync_failed_timestamp_seconds", labels, failed))
    rows.append(series("gateway_build_info", {"instance": "a"}, ["1"] * night))
    firing = 'count by (alertname, tenant) (ALERTS{alertstate="firing"})'
    told = [{"labels": f'{{alertname="{alert}", tenant="isp-137"}}', "value": 1} for alert in ("SyncFailed", "SyncNotGood")]
    at = lambda minute, samples: {"expr": firing, "eval_time": f"{minute}m", "exp_samples": samples}
    expected = [at(59, []), at(80, told[:1]), at(150, told), at(239, told)]
    return {"name": "One of 200 tenants is dead", "interval": "1m", "input_series": rows, "promql_expr_test": expected}


def main():
    scrape, alerts = sys.argv[1:]
    tests = [healthy_day(list(scraped(scrape))), one_of_two_hundred()]
    # JSON is YAML.
    json.dump({"rule_files": [alerts], "evaluation_interval": "1m", "tests": tests}, sys.stdout)


main()
