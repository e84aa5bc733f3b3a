"""Scanners of others: nmap, masscan, hping3, fping."""

from train.lab.actor import Actor
from train.lab.network import GATEWAY_UPLINK
from train.lab.plan import Job
from train.lab.registry import program


@program
async def nmap(me: Actor, job: Job) -> None:
    """The real nmap with the drawn options."""
    six = ["-6"] if ":" in job.params["targets"][0] else []
    await me.tool("nmap", "-n", *six, *job.params["args"], *job.params["targets"])


@program
async def masscan(me: Actor, job: Job) -> None:
    """The real masscan, from behind the gateway: its own TCP stack, random order."""
    p = job.params
    argv = ["masscan", "-p", p["ports"], "--rate", str(p["rate"]), "--wait", "1", "--seed", str(p["seed"])]
    argv += ["-i", "eth0", "--router-ip", GATEWAY_UPLINK, "--source-ip", p["source"]]
    await me.tool(*argv, *p["targets"])


@program
async def hping_scan(me: Actor, job: Job) -> None:
    """hping3's port scan."""
    p = job.params
    await me.tool("hping3", "--scan", p["ports"], f"-{p['flag']}", p["target"])


@program
async def fping_sweep(me: Actor, job: Job) -> None:
    """fping over a whole network."""
    p = job.params
    await me.tool("fping", "-q", "-r", str(p["retries"]), "-i", str(p["gap_ms"]), "-g", p["network"])
