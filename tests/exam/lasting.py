"""Two machines over a flow or a few that last: harmless ones, and floods inside such flows.

As in `scenarios`, by programs that the lab does not know, or that it does not use so.
"""

from detector.records import Category
from tests.exam.scenarios import (
    BROKER,
    ECHO,
    IPERF,
    NAMES,
    REDIS,
    SPEED,
    WEB,
    Scenario,
    benign,
    play_of,
    scenario_of,
)

_SINK = (play_of("socat -u UDP-RECV:5000 /dev/null"),)
_PUBLISH = "mosquitto_pub -h {server} -i d{last} -t plant/{last}"

_QUIET = (
    benign("publish-100", BROKER, play_of(f"{_PUBLISH} -m 21.5 --repeat 1400 --repeat-delay 0.01")),
    benign("publish-4x20", BROKER, play_of(f"{_PUBLISH} -m 7 --repeat 280 --repeat-delay 0.05", at_once=4)),
    benign("publish-q1", BROKER, play_of(f"{_PUBLISH} -q 1 -m 7 --repeat 500 --repeat-delay 0.03")),
    benign("readings-6x1", BROKER, play_of(f"{_PUBLISH} -m 21 --repeat 18 --repeat-delay 1", at_once=6)),
    benign(
        "readings-q2-12", BROKER, play_of(f"{_PUBLISH} -q 2 -m 7 --repeat 18 --repeat-delay 1", at_once=12)
    ),
    benign("subscribers-30", BROKER, play_of("mosquitto_sub -h {server} -t # -W 15", at_once=30)),
    benign("redis-50", REDIS, play_of("redis-cli -h {server} -r 700 -i 0.02 incr a")),
    benign("redis-2x90", REDIS, play_of("redis-cli -h {server} -r 1300 -i 0.01 get a", at_once=2)),
    benign("names-250", NAMES, play_of("dnsperf -s {server} -d {work}/names -Q 250 -l 14 -c 1")),
    benign("gets-kept-100", WEB, play_of("hey -z 14s -c 2 -q 50 http://{server}/api")),
    benign("cycle-400", ECHO, play_of("sockperf ping-pong -i {server} -p 11111 --mps 400 -t 14 -m 40")),
    benign("readings-400", ECHO, play_of("sockperf throughput -i {server} -p 11111 --mps 400 -t 14 -m 40")),
    benign("audio", SPEED, play_of("nuttcp -u -T14 -R560k -l172 {server}")),
    benign("video-12m", IPERF, play_of("iperf3 -u -c {server} -b 12M -t 14")),
    benign("video-3x4m", IPERF, play_of("iperf3 -u -c {server} -b 4M -P 3 -t 14")),
    benign("line-test-16", IPERF, play_of("iperf3 -c {server} -P 16 -t 6 -b 30M")),
    benign("line-test-24", IPERF, play_of("iperf3 -R -c {server} -P 24 -b 2M -t 12")),
    benign("backup-full-speed", IPERF, play_of("iperf3 -c {server} -n 60M")),
    benign("download-full-speed", SPEED, play_of("nuttcp -r -n40m {server}")),
    benign("upload-80m", SPEED, play_of("nuttcp -T12 -R80m {server}")),
)

_DOS = tuple(
    scenario_of(Category.DOS, name, servers, play)
    for name, servers, play in (
        ("publish-flood", BROKER, play_of(f"{_PUBLISH} -m 21.5 --repeat 40000 --repeat-delay 0")),
        ("publish-flood-q1", BROKER, play_of(f"{_PUBLISH} -q 1 -m 7 --repeat 30000 --repeat-delay 0")),
        (
            "publish-flood-4",
            BROKER,
            play_of(f"{_PUBLISH} -m {'7' * 200} --repeat 9000 --repeat-delay 0", at_once=4),
        ),
        ("redis-flood-1", REDIS, play_of("redis-benchmark -h {server} -c 1 -n 60000 -t get")),
        ("redis-flood-4", REDIS, play_of("redis-benchmark -h {server} -c 4 -n 60000 -t incr")),
        ("names-2000", NAMES, play_of("dnsperf -s {server} -d {work}/names -Q 2000 -l 12 -c 1")),
        ("names-12000", NAMES, play_of("dnsperf -s {server} -d {work}/names -Q 12000 -l 5 -c 1")),
        ("gets-kept-flood", WEB, play_of("wrk -c 2 -t 1 -d 8 http://{server}/api")),
        ("posts-kept-flood", WEB, play_of("ab -q -k -c 1 -n 20000 http://{server}/api")),
        ("cycle-flood", ECHO, play_of("sockperf ping-pong -i {server} -p 11111 --mps max -t 4 -m 40")),
        ("datagrams-4000", _SINK, play_of("hping3 -q -2 -k -s 6000 -p 5000 -d 40 -i u250 -c 30000 {server}")),
        ("datagrams-10000", SPEED, play_of("nuttcp -u -T4 -R8m -l100 {server}")),
        ("datagrams-small", IPERF, play_of("iperf3 -u -c {server} -b 4M -l 100 -t 8")),
        ("syn-kept-300", WEB, play_of("hping3 -q -S -k -s 6000 -p 80 -i u3000 -c 4000 {server}")),
        ("closed-port-3000", (), play_of("hping3 -q -2 -k -s 6000 -p 5999 -d 40 -i u333 -c 25000 {server}")),
    )
)

LASTING: tuple[Scenario, ...] = (*_QUIET, *_DOS)
