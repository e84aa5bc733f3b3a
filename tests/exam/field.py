"""What gateways see and the lab does not play: cameras of a recorder, slow sweeps elsewhere, reflections.

As in `scenarios`. Other networks are such as RFC 2544 keeps for tests; nobody answers for them.
"""

from detector.records import Category
from tests.exam.scenarios import WEB, Play, Scenario, benign, play_of, scenario_of

_RECORDER = (play_of("socat -u UDP-RECV:8200 /dev/null"),)
_CAMERA = "nping -q --udp -g 50{last} -p 8200 -S {net}.{last} --no-capture"


def _camera(packets_a_second: int, size: int, secs: int = 15) -> Play:
    pace = f" --rate {packets_a_second} -c {secs * packets_a_second}"
    return play_of(f"{_CAMERA}{pace} --data-length {size} {{server}}", from_all=True)


FIELD: tuple[Scenario, ...] = (
    benign("recorder-8", _RECORDER, _camera(20, 900), sources=range(60, 68)),
    benign("recorder-4", _RECORDER, _camera(250, 1200), sources=range(60, 64)),
    benign("phones-6", _RECORDER, _camera(50, 172), sources=range(60, 66)),
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
        Category.DDOS,
        "reflected-connections",
        WEB,
        play_of(
            "hping3 -q -S -A -a {net}.{last} -s 443 -k -p ++20000 -i u8000 -c 1200 {server}", from_all=True
        ),
        sources=range(60, 100),
    ),
)
