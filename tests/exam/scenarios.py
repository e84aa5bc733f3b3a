"""What is played: a name, the class it is, who serves, and what the client does. Nothing runs by a shell.

In the words, `{server}` and `{client}` are the two machines, `{server6}` the first by IPv6, `{net}` the first
three numbers of their network, `{card}` the server's Ethernet address, `{work}` a folder with what `stage`
puts there, and `{last}` the last number of the address that a copy sends from, or a copy's own number.
"""

from dataclasses import dataclass
from functools import partial

from detector.records import Category


@dataclass(frozen=True, slots=True)
class Play:
    """One program, how often, and how many at once."""

    words: tuple[str, ...]
    times: int = 1
    pause: float = 0.0
    """Seconds after each time."""
    at_once: int = 1
    from_all: bool = False
    """Whether a copy runs for each of the scenario's sources."""
    most_secs: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    category: Category
    servers: tuple[Play, ...] = ()
    plays: tuple[Play, ...]
    served: range = range(0)
    """Last numbers of more addresses of the server."""
    sources: range = range(0)
    """Last numbers of more addresses of the client."""
    secs: float = 25.0

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        return tuple(each.words for each in (*self.servers, *self.plays))


def play_of(line: str, **more: float | bool) -> Play:
    return Play(tuple(line.split()), **more)  # type: ignore[arg-type] # numbers, each of its field's kind


WEB = (play_of("nginx -c {work}/nginx.conf"),)
NAMES = (play_of("dnsmasq -k -C /dev/null --no-resolv --no-hosts --address=/#/10.9.8.7 -x {work}/pid"),)
BROKER = (play_of("mosquitto -c {work}/mosquitto.conf"),)
IPERF = (play_of("iperf3 -s"),)
REDIS = (Play(("redis-server", "--protected-mode", "no", "--save", "", "--dir", "{work}")),)
SPEED = (play_of("nuttcp -S --nofork"),)
_CALLS = (play_of("sipp -sn uas -i {server} -p 5060 -nostdin"),)
ECHO = (play_of("sockperf server -i {server} -p 11111"),)
_GET = "curl -s -o /dev/null -m 2 http://{server}"
_GET6 = "curl -s -o /dev/null -m 2 -g http://[{server6}]"
_PICTURES = "curl -s -Z --parallel-immediate -o /dev/null http://{server}/api"
_RAW = "mausezahn eth0 -q -B {server} -b {card}"


def scenario_of(
    category: Category,
    name: str,
    servers: tuple[Play, ...],
    *plays: Play,
    served: range = range(0),
    sources: range = range(0),
) -> Scenario:
    return Scenario(
        name=name, category=category, servers=servers, plays=plays, served=served, sources=sources
    )


benign = partial(scenario_of, Category.BENIGN)

_QUIET = (
    benign("crawl", WEB, play_of("wget -q -r -l2 -P {work}/got --wait=0.3 http://{server}/index.html")),
    benign("crawl-fast", WEB, play_of("wget -q -r -l2 -P {work}/got http://{server}/", times=4, pause=5)),
    benign(
        "download-16",
        WEB,
        play_of(
            "aria2c -q -x16 -s16 -k1M --allow-overwrite --max-overall-download-limit=8M -d {work}"
            " -o got http://{server}/image.bin",
            times=3,
            pause=2,
        ),
    ),
    benign(
        "download-6",
        WEB,
        Play(("lftp", "-e", "pget -n 6 -O {work} http://{server}/image.bin; exit")),
    ),
    benign(
        "rsync",
        (play_of("rsync --daemon --no-detach --config={work}/rsyncd.conf"),),
        play_of("rsync -aI rsync://{server}/site/ {work}/got/", times=3, pause=5),
    ),
    benign(
        "ftp-mirror",
        (play_of("vsftpd {work}/vsftpd.conf"),),
        Play(("lftp", "-e", "mirror . {work}/got; exit", "ftp://{server}")),
    ),
    benign(
        "snmpwalk",
        (play_of("snmpd -f -C -c {work}/snmpd.conf -p {work}/pid"),),
        play_of("snmpwalk -v2c -c public {server}", times=5, pause=4),
    ),
    benign("names-20", NAMES, play_of("dnsperf -s {server} -d {work}/names -Q 20 -l 20 -c 1")),
    benign("names-45", NAMES, play_of("dnsperf -s {server} -d {work}/names -Q 45 -l 20 -c 20")),
    benign("names-dead", (), play_of("dig +short +tries=2 +timeout=2 @{server} host.lan", times=6)),
    benign(
        "redis",
        REDIS,
        play_of("redis-cli -h {server} incr a", times=60, pause=0.3),
    ),
    benign("calls", _CALLS, play_of("sipp -sn uac {server}:5060 -i {client} -r 2 -d 3000 -nostdin")),
    benign("httping", WEB, play_of("httping -c 20 http://{server}/api")),
    benign("ping", (), play_of("ping -c 20 -i 0.5 {server}"), play_of("mtr -r -c 5 {server}")),
    benign("page-30", WEB, play_of(f"{_PICTURES}?[1-30]", times=3, pause=5)),
    benign("page-12", WEB, play_of(f"{_PICTURES}?[1-12]", times=12, pause=1)),
    benign("ping-large", (), play_of("ping -q -i 0.2 -c 100 -s 1000 {server}")),
    benign("tcp-30m", SPEED, play_of("nuttcp -T10 -R30m {server}"), play_of("nuttcp -r -T8 -R30m {server}")),
    benign("tcp-4x20m", SPEED, play_of("nuttcp -T15 -N4 -R20m {server}")),
    benign("udp-6m", SPEED, play_of("nuttcp -u -T15 -R6m -l1200 {server}")),
    benign("udp-20m", SPEED, play_of("nuttcp -u -T14 -R20m -l1300 {server}")),
    benign("tcp-8x3m", IPERF, play_of("iperf3 -c {server} -P 8 -b 3M -t 15")),
    benign(
        "ssh",
        (play_of("dropbear -F -E -R -p 22 -P {work}/pid -r {work}/key"),),
        play_of("ssh -o BatchMode=yes -o StrictHostKeyChecking=no nobody@{server} true", times=8, pause=2),
    ),
    benign(
        "scrape-15",
        WEB,
        play_of("curl -s -o /dev/null http://{net}.[30-44]/api", times=4, pause=4),
        served=range(30, 45),
    ),
    benign(
        "messages",
        BROKER,
        play_of("mosquitto_pub -h {server} -i d{last} -t s/{last} -m 21", times=10, pause=1.8, at_once=8),
    ),
    benign("messages-3", BROKER, play_of("mosquitto_pub -h {server} -t t -m x -q 1", times=50, pause=0.3)),
    benign("closed-1", (), play_of("curl -s -m 1 http://{server}:8883/", times=20, pause=1)),
    benign("closed-5", (), play_of("curl -s -m 1 http://{server}:8883/", times=100, pause=0.19)),
    benign("silent", (), play_of("curl -s -m 3 http://{net}.99:443/", times=7)),
    benign(
        "health",
        WEB,
        play_of("nc -z -w1 {server} 80", times=1),
        *(
            play_of(f"nc -z -w1 {{server}} {port}", pause=pause)
            for _ in range(4)
            for port, pause in ((22, 0.0), (80, 0.0), (443, 0.0), (1883, 4.0))
        ),
    ),
    benign("users-4", WEB, play_of("siege -q -c 4 -d 2 -t 24S http://{server}/12.html")),
    benign("page-20", WEB, play_of(_GET + "/{last}.html", times=5, pause=4, at_once=20)),
    benign(
        "pieces-8", WEB, play_of("curl -s -Z --parallel-max 8 http://{server}/[1-10].html", times=6, pause=3)
    ),
    benign("monitor-5", WEB, play_of(_GET + "/api", times=90, pause=0.19)),
    benign(
        "files-8",
        (play_of("socat -u TCP-LISTEN:9000,fork,reuseaddr /dev/null"),),
        play_of("socat -u FILE:{work}/site/59.html TCP:{server}:9000", times=4, pause=4, at_once=8),
    ),
    benign("hey-2", WEB, play_of("hey -z 20s -c 2 -q 2 http://{server}/api")),
    benign("hey-10", WEB, play_of("hey -n 200 -c 10 -q 1 -disable-keepalive http://{server}/3.html")),
    benign("axel-8", WEB, play_of("axel -n 8 -q -o {work}/got http://{server}/image.bin", times=2, pause=4)),
    benign("names-tcp", NAMES, play_of("kdig +tcp @{server} a.lan", times=40, pause=0.4)),
    benign(
        "questions-300",
        ECHO,
        play_of("sockperf ping-pong -i {server} -p 11111 --mps 300 -t 15 -m 100"),
    ),
    benign("six-page-15", WEB, play_of(_GET6 + "/{last}.html", times=5, pause=4, at_once=15)),
    benign("six-crawl", WEB, play_of("wget -q -r -P {work}/got http://[{server6}]/", times=3, pause=4)),
    benign("six-closed", (), play_of("curl -s -m 1 -g http://[{server6}]:8883/", times=40, pause=0.5)),
    benign("six-stream", IPERF, play_of("iperf3 -c {server6} -u -b 8M -t 15")),
    benign(
        "messages-50",
        BROKER,
        play_of("mosquitto_pub -h {server} -t s -m 21 --repeat 900 --repeat-delay 0.02"),
    ),
    benign(
        "sensors-12",
        BROKER,
        play_of(
            "mosquitto_pub -h {server} -i x{last} -t s/{last} -m 21 -q 1 --repeat 18 --repeat-delay 1",
            at_once=12,
        ),
    ),
    benign("listeners-10", BROKER, play_of("mosquitto_sub -h {server} -t # -W 4", times=4, at_once=10)),
    benign(
        "syslog-10",
        (play_of("socat -u UDP-RECVFROM:514,fork /dev/null"),),
        play_of("nping -q --udp -g 40000 -p 514 --data-length 120 --rate 10 -c 180 {server}"),
    ),
    benign("poll-10", WEB, play_of("curl -s -o /dev/null -m 1 http://{server}/api", times=160, pause=0.09)),
    benign(
        "terminal",
        (play_of("dropbear -F -E -R -p 22 -P {work}/pid -r {work}/key"),),
        play_of("nc -w1 {server} 22", times=12, pause=1, most_secs=1.0),
    ),
)

_DOS = tuple(
    scenario_of(Category.DOS, name, servers, play_of(line))
    for name, servers, line in (
        ("siege-50", WEB, "siege -q -b -c 50 -t 15S http://{server}/api"),
        ("wrk-kept", WEB, "wrk -c 100 -t 2 -d 15 http://{server}/api"),
        ("t50-syn", WEB, "t50 {server} --protocol TCP -S --dport 80 --saddr {client} --threshold 30000"),
        ("t50-ack", WEB, "t50 {server} --protocol TCP -A --dport 80 --saddr {client} --threshold 30000"),
        ("t50-udp", WEB, "t50 {server} --protocol UDP --dport 5000 --saddr {client} --threshold 30000"),
        ("ping-flood", (), "ping -q -f -c 20000 {server}"),
        ("nping-udp-2000", (), "nping -q --udp -p 5683 --rate 2000 -c 24000 {server}"),
        ("ping-large-333", (), "hping3 -q -1 -d 1200 -i u3000 -c 4000 {server}"),
        ("nping-icmp-800", (), "nping -q --icmp --rate 800 -c 9000 {server}"),
        ("nping-syn-500", WEB, "nping -q --tcp -p 80 --flags syn --rate 500 -c 6000 {server}"),
        ("nping-connect-200", WEB, "nping -q --tcp-connect -p 80 --rate 200 -c 2500 {server}"),
        ("hping-syn-500", WEB, "hping3 -q -S -p 80 -i u2000 -c 6000 {server}"),
        ("hping-syn-100", WEB, "hping3 -q -S -p 80 -i u10000 -c 1400 {server}"),
        ("hping-udp-1000", WEB, "hping3 -q -2 -p 5000 -i u1000 -c 12000 {server}"),
        ("names-4000", NAMES, "dnsperf -s {server} -d {work}/names -Q 4000 -l 12"),
        ("calls-600", _CALLS, "sipp -sn uac {server}:5060 -i {client} -r 600 -l 5000 -d 100 -nostdin"),
        ("calls-one-flow", _CALLS, "sipsak -F -s sip:a@{server}"),
        ("hey-kept", WEB, "hey -z 12s -c 50 http://{server}/api"),
        ("hey-new", WEB, "hey -z 10s -c 50 -disable-keepalive http://{server}/api"),
        ("httperf-200", WEB, "httperf --server {server} --uri /api --rate 200 --num-conn 2400"),
        ("httperf-60", WEB, "httperf --server {server} --uri /api --rate 60 --num-conn 800"),
        ("six-pings", (), "ping -6 -q -f -c 20000 {server6}"),
        ("six-syn-500", WEB, "nping -6 -q --tcp -p 80 --flags syn --rate 500 -c 6000 {server6}"),
        ("six-thc-syn", WEB, "atk6-thcsyn6 eth0 {server6} 80"),
        ("raw-syn", WEB, f"{_RAW} -c 6000 -d 2msec -A {{client}} -t tcp dp=80,sp=1024-60000,flags=syn"),
        ("raw-datagrams", (), f"{_RAW} -c 12000 -d 1msec -A {{client}} -t udp dp=1-9000,sp=4000"),
        ("one-flow-8000", ECHO, "sockperf throughput -i {server} -p 11111 -m 64 --mps 8000 -t 10"),
    )
)

_MANY = range(60, 90)
_DDOS = tuple(
    scenario_of(Category.DDOS, name, servers, play_of(line, from_all="{last}" in line), sources=_MANY)
    for name, servers, line in (
        ("t50-random-syn", WEB, "t50 {server} --protocol TCP -S --dport 80 --threshold 40000"),
        ("t50-random-ack", WEB, "t50 {server} --protocol TCP -A --dport 80 --threshold 40000"),
        ("t50-random-udp", WEB, "t50 {server} --protocol UDP --dport 53 --threshold 40000"),
        ("t50-random-icmp", (), "t50 {server} --protocol ICMP --threshold 40000"),
        ("hping-random-syn", WEB, "hping3 -q -S -p 80 --rand-source -i u2000 -c 6000 {server}"),
        ("hping-random-udp", (), "hping3 -q -2 -p 53 --rand-source -i u1000 -c 9000 {server}"),
        ("many-ping", (), "ping -q -i 0.02 -c 500 -I {net}.{last} {server}"),
        ("many-syn", WEB, "nping -q --tcp -p 80 --flags syn -S {net}.{last} --rate 40 -c 500 {server}"),
        ("many-udp", (), "nping -q --udp -p 9999 -S {net}.{last} --rate 60 -c 800 {server}"),
        ("raw-random-udp", (), f"{_RAW} -c 9000 -d 1msec -A rand -t udp dp=53,sp=4000"),
        ("many-ab", WEB, "ab -q -B {net}.{last} -n 700 -c 3 http://{server}/api"),
        ("many-hping", WEB, "hping3 -q -S -a {net}.{last} -p 80 -i u50000 -c 250 {server}"),
        ("many-names", NAMES, "dnsperf -s {server} -a {net}.{last} -d {work}/names -Q 60 -l 12 -c 1"),
    )
)

_ALIVE = range(30, 100)
_RECON = tuple(
    scenario_of(Category.RECON, name, WEB, play_of(line), served=_ALIVE)
    for name, line in (
        ("nmap", "nmap {server}"),
        ("nmap-t2", "nmap -n -Pn -T2 -F {server}"),
        ("nmap-200", "nmap -n -Pn -sS -p- --max-rate 200 {server}"),
        ("nmap-versions", "nmap -Pn -sV -p 20-90 {server}"),
        ("nmap-fin", "nmap -n -Pn -sF -F {server}"),
        ("nmap-xmas", "nmap -n -Pn -sX -F {server}"),
        ("nmap-udp", "nmap -n -Pn -sU --top-ports 60 {server}"),
        ("nmap-hosts", "nmap -n -sn --send-ip -PE -PS443 {net}.0/24"),
        ("nmap-doors", "nmap -n -Pn -p 22,80,443 -T4 {net}.1-100"),
        ("nping-syn-50", "nping -q --tcp -p 1-1000 --rate 50 -c 1 {server}"),
        ("nping-udp-20", "nping -q --udp -p 1-400 --rate 20 -c 1 {server}"),
        ("nping-hosts", "nping -q --icmp --rate 30 -c 1 {net}.30-99"),
        ("nc", "nc -z -w1 {server} 1-2000"),
        ("hping-scan", "hping3 --scan 1-800 -S {server}"),
        ("nbtscan", "nbtscan -q {net}.0/24"),
        ("nmap-protocols", "nmap -n -Pn -sO {server}"),
        ("nmap-ack", "nmap -n -Pn -sA -F {server}"),
        ("nmap-decoys", "nmap -n -Pn -D RND:3 -F {server}"),
        ("nmap-connect", "nmap -n -Pn -sT -F {server}"),
        ("nmap-500ms", "nmap -n -Pn --scan-delay 500ms -p 1-40 {server}"),
        ("six-nmap", "nmap -6 -n -Pn {server6}"),
        ("six-nmap-udp", "nmap -6 -n -Pn -sU --top-ports 60 {server6}"),
        ("six-ports", "scan6 -i eth0 -d {server6} --port-scan tcp:1-1000:syn"),
        ("curl-ports", "curl -s -m 1 http://{server}:[1-600]/"),
        ("curl-hosts", "curl -s -m 0.3 http://{net}.[30-99]:8080/"),
        ("raw-ports", f"{_RAW} -d 5msec -A {{client}} -t tcp dp=1-1023,sp=4000,flags=syn"),
        ("ike-scan", "ike-scan -r 1 {net}.0/25"),
        ("ssh-keys", "ssh-keyscan -T 1 " + " ".join(f"{{net}}.{last}" for last in _ALIVE)),
    )
)

SCENARIOS: tuple[Scenario, ...] = (*_QUIET, *_DOS, *_DDOS, *_RECON)
