"""What gateways see and the lab does not play: cameras of a recorder, sweeps elsewhere, floods of one port.

As in `scenarios`. Other networks are such as RFC 2544 keeps for tests; nobody answers for them.
"""

from detector.records import Category
from tests.exam.scenarios import NAMES, WEB, Play, Scenario, benign, play_of, scenario_of

_RECORDER = (play_of("socat -u UDP-RECV:8200 /dev/null"),)
_DATAGRAMS = "nping -q --udp -S {net}.{last} --no-capture"


def _datagrams(packets_a_second: int, size: int, *, ports: str = "-g 50{last} -p 8200") -> Play:
    pace = f"--rate {packets_a_second} -c {15 * packets_a_second}"
    return play_of(f"{_DATAGRAMS} {ports} {pace} --data-length {size} {{server}}", from_all=True)


_NAMES_5, _NAMES_3 = (
    play_of(
        f"dnsperf -s {{server}} -a {{net}}.{{last}} -d {{work}}/names -Q {rate} -l 15 -c 100", from_all=True
    )
    for rate in (5, 3)
)

_ANY_PORT = "hping3 -q -a {net}.{last} -p ++{last}00 -i u4000 -c 3600"
"""To port after port, from each source to others at any time."""

_CALL = "nping -q --udp -g 1{last}000 -p 8200 --rate 50 -c 600 --data-length 172 --no-capture {server}"

_LOST = (
    *("198.18.3.7:443", "198.18.41.2:443", "198.19.8.1:443", "198.19.8.9:443", "198.19.77.3:443"),
    *("198.19.101.5:443", "198.18.12.12:5228", "198.18.60.1:8883", "198.19.33.4:80", "198.18.99.9:80"),
    *("198.19.4.44:8443", "198.18.7.70:4070", "198.19.55.5:993", "198.18.200.1:1935"),
)
"""What a telephone's programs connect to, where the uplink is gone."""

FIELD: tuple[Scenario, ...] = (
    benign("recorder-8", _RECORDER, _datagrams(20, 900), sources=range(60, 68)),
    benign("recorder-4", _RECORDER, _datagrams(250, 1200), sources=range(60, 64)),
    benign("phones-6", _RECORDER, _datagrams(50, 172), sources=range(60, 66)),
    benign("names-8x5", NAMES, _NAMES_5, sources=range(60, 68)),
    benign("names-25x3", NAMES, _NAMES_3, sources=range(60, 85)),
    benign("logs-40x1", _RECORDER, _datagrams(1, 120), sources=range(60, 100)),
    benign("calls-of-6", _RECORDER, play_of(_CALL, at_once=6)),
    benign("broker-down-5", (), play_of("mosquitto_pub -h {server} -t a -m b", times=20, pause=1, at_once=5)),
    benign(
        "pings-25x1",
        (),
        play_of("ping -q -I {net}.{last} -c 15 {server}", from_all=True),
        sources=range(60, 85),
    ),
    benign(
        "uplink-lost-14",
        (),
        play_of(f"curl -s -Z --parallel-immediate -m 6 {' '.join(_LOST)}", times=3, pause=2),
    ),
    benign(
        "uplink-lost-6",
        (),
        play_of(f"curl -s -Z --parallel-immediate -m 9 {' '.join(_LOST[4:10])}", times=2, pause=3),
    ),
    scenario_of(
        Category.DDOS,
        "reflected-names-8x150",
        (),
        _datagrams(150, 1200, ports="-g 53 -p 40000"),
        sources=range(60, 68),
    ),
    scenario_of(Category.DOS, "one-port-900", _RECORDER, _datagrams(900, 1024), sources=range(60, 61)),
    scenario_of(
        Category.DOS,
        "one-port-2000",
        _RECORDER,
        play_of("hping3 -q -2 -k -s 5000 -p 8200 -d 512 -i u500 -c 30000 {server}"),
    ),
    scenario_of(Category.DDOS, "one-port-4x600", _RECORDER, _datagrams(600, 900), sources=range(60, 64)),
    scenario_of(
        Category.DOS,
        "acks-any-port",
        (),
        play_of("hping3 -q -A -d 512 -p ++2000 -i u1000 -c 15000 {server}"),
    ),
    scenario_of(
        Category.DDOS,
        "acks-any-port-8",
        (),
        play_of(f"{_ANY_PORT} -A -d 512 {{server}}", from_all=True),
        sources=range(60, 68),
    ),
    scenario_of(
        Category.DDOS,
        "syns-any-port-8",
        (),
        play_of(f"{_ANY_PORT} -S {{server}}", from_all=True),
        sources=range(60, 68),
    ),
    scenario_of(
        Category.RECON,
        "ssh-sweep-5",
        (),
        play_of("nmap -n -Pn -sT -p 22 --min-rate 5 --max-rate 5 --max-retries 1 198.18.5.0/24"),
    ),
    scenario_of(
        Category.RECON,
        "ssdp-sweep-20",
        (),
        play_of("nping -q --udp -p 1900 --rate 20 -c 1 --data-length 110 198.18.6.0/24"),
    ),
    scenario_of(
        Category.RECON,
        "onvif-sweep-10",
        (),
        play_of("nping -q --udp -p 3702 --rate 10 -c 1 --data-length 560 198.18.7.0/24"),
    ),
    scenario_of(
        Category.RECON,
        "services-sweep-12",
        (),
        play_of("nmap -n -Pn -sS -p 23,80,7547,8080 --max-rate 12 --max-retries 0 198.18.9.0/24"),
    ),
    scenario_of(
        Category.RECON, "empty-datagrams-8", WEB, play_of("hping3 -q -2 -p ++20 -i u125000 -c 180 {server}")
    ),
    scenario_of(
        Category.DDOS,
        "reflected-connections",
        WEB,
        play_of(
            "hping3 -q -S -A -a {net}.{last} -s 443 -k -p ++20000 -i u8000 -c 1200 {server}", from_all=True
        ),
        sources=range(60, 100),
    ),
)
