"""Two collectors, of which one forwards to the other."""
import os
import shutil

from collector import Collector, wait_for


class Tree:
    """A centre and sites; each site's tenant riverbend goes to the centre's tenant riverbend."""

    def __init__(self, centre_options=None):
        self.centre = Collector(listen=True, **(centre_options or {}))
        self.sites = {}

    def __enter__(self):
        self.centre.start()
        return self

    def __exit__(self, *_):
        for site in [*self.sites.values(), self.centre]:
            site.remove()

    def add(self, name, to=None, granted=True, **options):
        """A site, started and granted."""
        site = Collector(listen=True, **options)
        self.sites[name] = site
        share_key(self.centre, site)
        site.configuration["forward"] = [{"tenant": "riverbend", "to": to or self.centre.endpoint, "site": name,
                                          "server_key": self.centre.server_key(), "hold": "30d"}]
        site.write()
        site.start()
        if granted:
            self.grant(name)
        return site

    def grant(self, name):
        key = forwarding(self.sites[name])["public_key"]
        self.centre.call("key.grant", public_key=key, name=f"site-{name}", role="forwarder", tenant="riverbend", sites=[name])

    def wait(self, *names, seconds=60):
        """Until all that the sites have is delivered."""
        for name in names or self.sites:
            site = self.sites[name]
            wait_for(lambda site=site: is_delivered(site), seconds,
                     lambda site=site: f"{forwarding(site)}\n{site.log()[-3000:]}\n{self.centre.log()[-3000:]}")
        self.centre.wait_refolded("riverbend")


def share_key(centre, site):
    name = "tenant-riverbend.key"
    path = os.path.join(centre.folder, "keys", name)
    shutil.copy(path, os.path.join(site.folder, "keys", name))


def forwarding(site):
    return site.call("status")["forwarding"][0]


def is_delivered(site):
    row = forwarding(site)
    return row["state"] == "up_to_date" and row["lag"] == 0


def site_of(centre, name):
    return next(row for row in centre.call("status")["sites"] if row["site"] == f"{name}/")
