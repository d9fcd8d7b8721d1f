"""The grid of an environment as a platform of SimGrid, in XML.

As in our own engine, storage is read and written over a link each, and the path of a transfer leads
over those and the links between the sites, which have no latency, so that SimGrid shares them among
flows evenly: a transfer's latency is an action of its own, see `driving.py`. Disks are no limit
themselves. What WRENCH sends beside data is of no size.

Bytes are counted in units of `UNIT`. WRENCH moves files in pieces of 10 MB, which REST cannot
change: as 10⁷ units they are larger than nearly all files, so that a transfer is one flow, as it is
in our engine, and not hundreds of pieces that each wait for the one before.
"""

from math import inf
from xml.sax.saxutils import quoteattr

from redwood.simulation.environment import Environment
from redwood.simulation.routes import find_routes, window

UNIT = 1000
CONTROLLER = "controller"
# Of hosts, so that work in seconds is a number of operations that SimGrid's precision suits.
SPEED = 1e9
_NO_LIMIT = 1e18
# The same model as in `network.Network`.
_SETTINGS = {
    "network/model": "CM02",
    "network/crosstraffic": "0",
    "network/TCP-gamma": "0",
    "network/loopback-lat": "0",
}


def storage(site: int) -> str:
    """The host on which a site's storage service runs."""
    return f"storage-{site}"


def nodes(site: int) -> str:
    """The host that stands for a site's worker nodes."""
    return f"nodes-{site}"


def units(size: float) -> int:
    """Bytes in units, at least one."""
    return max(1, round(size / UNIT))


def platform_xml(environment: Environment, tcp_gamma: float = 0.0) -> str:
    """The platform's description, as SimGrid 4 reads it.

    Args:
        environment: the sites and their links.
        tcp_gamma: window of a TCP stream, bytes, that caps each transfer; 0 lifts the cap.
    """
    sites, routes = environment.sites, find_routes(environment)
    hosts, links, paths = [_host(CONTROLLER, 1)], [_link("control", _NO_LIMIT, "FATPIPE")], []
    windows: dict[float, str] = {}
    for index, site in enumerate(sites):
        hosts += [_host(nodes(index), max(site.cores, 1)), _host(storage(index), 1, disk=True)]
        paths += [
            _route(CONTROLLER, host, [("control", "")], both=True)
            for host in (nodes(index), storage(index))
        ]
        for what in ("read", "write"):
            bandwidth = getattr(site, f"{what}_bandwidth")
            links.append(_link(f"{what}-{index}", bandwidth or _NO_LIMIT, "SHARED"))
        if site.bandwidth is not None:
            links.append(_link(f"access-{index}", site.bandwidth, "SPLITDUPLEX"))
    for index, link in enumerate(environment.links):
        links.append(_link(f"link-{index}", link.bandwidth, "SPLITDUPLEX"))
    for i, row in enumerate(routes):
        for j, path in enumerate(row):
            over = [(hop.link, "UP" if hop.up else "DOWN") for hop in path]
            if (most := window(path, tcp_gamma)) != inf:
                if most not in windows:
                    windows[most] = f"window-{len(windows)}"
                    links.append(_link(windows[most], most, "FATPIPE"))
                over.append((windows[most], ""))
            paths.append(_route(storage(i), nodes(j), [(f"read-{i}", ""), *over]))
            paths.append(_route(nodes(i), storage(j), [*over, (f"write-{j}", "")]))
    settings = "".join(f'<prop id="{key}" value="{value}"/>' for key, value in _SETTINGS.items())
    return "\n".join(
        (
            '<?xml version="1.0"?>',
            '<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">',
            '<platform version="4.1">',
            f"<config>{settings}</config>",
            '<zone id="grid" routing="Full">',
            *hosts,
            *links,
            *paths,
            "</zone>",
            "</platform>",
            "",
        )
    )


def _host(name: str, cores: int, *, disk: bool = False) -> str:
    inside = ""
    if disk:
        speed = f'read_bw="{_NO_LIMIT:.0f}Bps" write_bw="{_NO_LIMIT:.0f}Bps"'
        size = f'<prop id="size" value="{_NO_LIMIT:.0f}B"/><prop id="mount" value="/"/>'
        inside = f'<disk id="disk" {speed}>{size}</disk>'
    return f'<host id={quoteattr(name)} speed="{SPEED:.0f}f" core="{cores}">{inside}</host>'


def _link(name: str, bandwidth: float, policy: str) -> str:
    units_per_s = bandwidth / UNIT
    return (
        f'<link id={quoteattr(name)} bandwidth="{units_per_s!r}Bps" latency="0s"'
        f' sharing_policy="{policy}"/>'
    )


def _route(
    source: str, destination: str, over: list[tuple[str, str]], *, both: bool = False
) -> str:
    inside = "".join(
        f"<link_ctn id={quoteattr(link)}" + (f' direction="{way}"/>' if way else "/>")
        for link, way in over
    )
    return (
        f"<route src={quoteattr(source)} dst={quoteattr(destination)}"
        f' symmetrical="{"YES" if both else "NO"}">{inside}</route>'
    )
