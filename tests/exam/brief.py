"""What is soon over: a page, a dashboard, a few ports asked once, a second of flood.

As in `scenarios`, by programs that the lab does not know, or that it does not use so.
"""

from detector.records import Category
from tests.exam.scenarios import BROKER, ECHO, IPERF, NAMES, WEB, Scenario, benign, play_of, scenario_of

_ALIVE = range(30, 50)
_MANY = range(60, 90)
_GET = "curl -s -Z -o /dev/null -m 2"
_ASKED = " ".join(f"{name}.lan" for name in "abcdefghijkl")


_QUIET = (
    benign("brief-page", WEB, play_of(f"{_GET} http://{{server}}/[1-12].html", times=3, pause=4)),
    benign(
        "brief-dashboard",
        WEB,
        play_of(f"{_GET} http://{{net}}.[30-49]/api", times=3, pause=4),
        served=_ALIVE,
    ),
    benign("brief-speed", IPERF, play_of("iperf3 -c {server} -t 2")),
    benign("brief-stream", IPERF, play_of("iperf3 -u -c {server} -b 15M -t 2")),
    benign("brief-names", NAMES, play_of(f"dig +short @{{server}} {_ASKED}", times=3)),
    benign(
        "brief-morning",
        BROKER,
        play_of("mosquitto_pub -h {server} -A {net}.{last} -i d{last} -t plant/{last} -m 7", from_all=True),
        sources=_MANY,
    ),
    benign("brief-pings", (), play_of("ping -q -c 3 {server}"), play_of("mtr -r -c 2 {server}")),
    benign("brief-refused", (), play_of("curl -s -m 1 http://{server}:81/", times=6, pause=0.4)),
    benign("brief-offline", (), play_of("curl -s -m 1 http://{net}.[200-203]/", times=2)),
    benign(
        "brief-cycle",
        ECHO,
        play_of("sockperf ping-pong -i {server} -p 11111 --mps 300 -t 2 -m 40"),
    ),
)

_ATTACKS = tuple(
    scenario_of(
        category, name, servers, play_of(line, from_all="{last}" in line), served=_ALIVE, sources=sources
    )
    for category, sources, scenes in (
        (
            Category.DOS,
            range(0),
            (
                ("brief-syn-300", WEB, "hping3 -q -S -p 80 -i u3333 -c 400 {server}"),
                ("brief-syn-2000", WEB, "hping3 -q -S -p 80 -i u500 -c 2500 {server}"),
                ("brief-udp", (), "hping3 -q -2 -p 53 -i u1000 -c 1500 {server}"),
                ("brief-ping-flood", (), "ping -q -f -c 8000 {server}"),
                ("brief-requests", WEB, "ab -q -n 1500 -c 20 http://{server}/api"),
                ("brief-one-flow", (), "hping3 -q -2 -k -s 6000 -p 5000 -d 40 -i u100 -c 12000 {server}"),
            ),
        ),
        (
            Category.DDOS,
            _MANY,
            (
                (
                    "brief-many-syn",
                    WEB,
                    "nping -q --tcp -p 80 --flags syn -S {net}.{last} --rate 20 -c 40 {server}",
                ),
                ("brief-random-syn", WEB, "hping3 -q -S -p 80 --rand-source -i u1000 -c 1500 {server}"),
                ("brief-many-requests", WEB, "ab -q -B {net}.{last} -n 60 -c 2 http://{server}/api"),
                ("brief-many-pings", (), "ping -q -i 0.01 -c 150 -I {net}.{last} {server}"),
            ),
        ),
        (
            Category.RECON,
            range(0),
            (
                ("brief-nmap-10", WEB, "nmap -n --top-ports 10 {server}"),
                ("brief-nmap-20", WEB, "nmap -n -Pn --top-ports 20 {server}"),
                ("brief-six-nmap-20", WEB, "nmap -6 -n -Pn --top-ports 20 {server6}"),
                ("brief-nmap-udp-10", (), "nmap -n -Pn -sU --top-ports 10 --max-retries 0 {server}"),
                ("brief-nmap-12-hosts", WEB, "nmap -n -Pn -p 8080 {net}.30-41"),
                ("brief-nc-12", WEB, "nc -z -w1 {server} 75-86"),
                ("brief-curl-10", WEB, "curl -s -m 1 http://{server}:[8000-8009]/"),
                ("brief-pings-10", (), "nping -q --icmp --rate 50 -c 1 {net}.30-39"),
            ),
        ),
    )
    for name, servers, line in scenes
)

BRIEF: tuple[Scenario, ...] = (*_QUIET, *_ATTACKS)
