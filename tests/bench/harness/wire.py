"""Sources and readers over tcp and CURVE, for the parts that need more of them than the load client gives."""
import os
import sys

from harness.common import TOP, fail

sys.path.insert(0, os.path.join(TOP, "tests", "system"))

AT = 1704708000000
QUESTION = {"metrics": ["tickets_created"], "by": ["vendor"]}


def client():
    """The tests' own client, which needs Debian's zmq and msgpack: wanted by few parts only."""
    try:
        import tendon_client
    except ImportError as error:
        fail(f"{error}: deploy/packages test installs what this part needs")
    return tendon_client


def batch(seq, name, n):
    """A BATCH of n new tickets, as it goes over the wire; its number is its request's."""
    events = [{"type": "ticket.created", "id": "c", "at": AT + seq, "ticket": f"{name}-{seq}-{i}", "vendor": f"v{i % 4}"}
              for i in range(n)]
    return client().pack([1, "BATCH", seq, {"seq": seq, "events": events}])


def grant(operator, tenant, role):
    """A key pair of the tenant's; a source is called desk."""
    keys = client().new_keys()
    operator.call("key.grant", public_key=keys[0].decode(), role=role, tenant=tenant, name=f"{tenant}-{role}",
                  **({"source": "desk"} if role == "source" else {}))
    return keys


def tickets(operator, tenant):
    return operator.query(tenant=tenant, metrics=["tickets_created"])["rows"][0]["tickets_created"]
