"""What a seed stands for: how many come, what goes wrong, and how bad the network is."""

import random
from dataclasses import dataclass, field, replace

from gateway.orders.backoff import RetryPolicy
from tests.simulation.network import FAIR, Weather


@dataclass(slots=True)
class Plan:
    """What a seed stands for; drawn by its dice."""

    seed: int
    orders: int
    gateways: int = 1
    replicas: int = 1
    clients: int = 6
    interval: float = 1.0
    kinds: dict[str, float] = field(default_factory=dict)
    weather: Weather = FAIR
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    slowness: float = 0.002
    cooks: bool = False
    policy_share: float = 0.5
    cancel_share: float = 0.2
    plenty: float = 0.3
    watchers: int = 1
    small_pages: bool = False
    slow_feeds: bool = False
    archives: bool = False

    @classmethod
    def hard(cls, seed: int, orders: int) -> "Plan":
        """Slow disks, little retry_policy, and departments that come and go while their clients change their minds."""
        return cls(
            seed,
            orders,
            interval=0.25,
            kinds={"kill": 2.0, "cut": 3.0, "before": 1.0, "after": 1.0},
            weather=Weather(0.02, late=0.05),
            retry_policy=RetryPolicy(time_to_decide=1.0),
            slowness=0.05,
            cooks=True,
            policy_share=0.8,
            cancel_share=0.4,
            plenty=1.0,
        )

    @classmethod
    def wavering(cls, seed: int, orders: int) -> "Plan":
        """Clients who take back most of what they order, over lines that break; the gateway never restarts."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.5,
            kinds={"cut": 1.0},
            weather=Weather(0.2, reset=0.2),
            policy_share=0.3,
            cancel_share=0.8,
            plenty=1.0,
        )

    @classmethod
    def calm(cls, seed: int, orders: int) -> "Plan":
        """Two gateways on one journal, and nothing goes wrong: neither may take the other for dead."""
        return cls(seed, orders, gateways=2, slowness=0.01)

    @classmethod
    def frozen(cls, seed: int, orders: int) -> "Plan":
        """Gateways that stop for longer than their lease, and go on as if nothing had been."""
        return cls(
            seed,
            orders,
            gateways=3,
            clients=12,
            interval=0.3,
            kinds={"stop": 3.0, "cut": 1.0},
            weather=Weather(0.1),
            retry_policy=RetryPolicy(time_to_decide=1.0, lease=0.6),
            slowness=0.05,
            cancel_share=0.5,
            plenty=1.0,
        )

    @classmethod
    def echo(cls, seed: int, orders: int) -> "Plan":
        """A network that says everything twice, and the second time late; clients waver, and staff are quick."""
        return cls(
            seed,
            orders,
            clients=12,
            kinds={"cut": 1.0},
            weather=Weather(0.3, repeat=0.8),
            cooks=True,
            policy_share=0.9,
            cancel_share=0.9,
            plenty=2.0,
        )

    @classmethod
    def recalled(cls, seed: int, orders: int) -> "Plan":
        """The same network; each department's share stands alone, and what was started is recalled."""
        return replace(cls.echo(seed, orders), policy_share=0.05, clients=24)

    @classmethod
    def torn(cls, seed: int, orders: int) -> "Plan":
        """Two gateways whose writes fail, half of them after they were carried out; clients who hardly ask again."""
        return cls(seed, orders, gateways=2, clients=12, interval=0.5, kinds={"errors": 1.0}, slowness=0.02, plenty=1.0)

    @classmethod
    def forgetful(cls, seed: int, orders: int) -> "Plan":
        """A gateway that dies before it has written what it told, and departments that it cannot reach afterwards."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.2,
            kinds={"kill": 1.0, "cut": 2.0},
            retry_policy=RetryPolicy(time_to_decide=0.5),
            slowness=0.05,
            policy_share=0.2,
            cancel_share=0.1,
            plenty=1.0,
        )

    @classmethod
    def reconfigured(cls, seed: int, orders: int) -> "Plan":
        """Departments that are taken out of the configuration and put back, and that are too busy for decisions."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.5,
            kinds={"unconfigure": 1.0, "exhaust": 1.0, "kill": 0.5, "cut": 1.0},
            weather=Weather(0.02),
            retry_policy=RetryPolicy(time_to_decide=5.0),
            slowness=0.02,
            cooks=True,
            policy_share=0.6,
            cancel_share=0.5,
            plenty=1.0,
        )

    @classmethod
    def restored(cls, seed: int, orders: int) -> "Plan":
        """Departments whose backups are restored while their staff work and somebody follows their lists."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=1.0,
            kinds={"restore": 3.0, "kill": 1.0},
            weather=Weather(0.05, drop_response=0.05),
            slowness=0.02,
            cooks=True,
            cancel_share=0.3,
            plenty=1.0,
        )

    @classmethod
    def watched(cls, seed: int, orders: int) -> "Plan":
        """Many watch busy staff over lines that break, pages are small, programs die and backups are restored.

        In a third of the evenings the orders flood the feeds.
        """
        return cls(
            seed,
            orders,
            clients=12,
            interval=1.0,
            kinds={"restore": 1.0, "kill": 1.0, "stop": 1.0, "cut": 1.0, "before": 0.3, "after": 0.3},
            weather=Weather(0.02, late=0.01, drop_response=0.01, reset=0.02),
            slowness=0.01,
            cooks=True,
            cancel_share=0.3,
            plenty=1.0,
            watchers=3,
            small_pages=True,
            slow_feeds=random.Random(f"watched {seed}").random() < 1 / 3,
        )

    @classmethod
    def archived(cls, seed: int, orders: int) -> "Plan":
        """Cooks who serve quickly, an archiver that dies as often as others, and clients who come back for old orders.

        In a third of the evenings departments are restored, too.
        """
        dice = random.Random(f"archived {seed}")
        return cls(
            seed,
            orders,
            gateways=dice.choice((1, 1, 2)),
            replicas=dice.choice((1, 1, 2)),
            clients=12,
            interval=0.5,
            kinds={"kill": 2.0, "cut": 1.0, "before": 2.0, "after": 2.0, "stop": 1.0, "ghost": 4.0}
            | {"restore": dice.choice((0.0, 0.0, 1.5)), "errors": dice.choice((0.0, 0.5))},
            weather=Weather(0.01, late=0.02, drop_response=0.02, repeat=dice.choice((0.0, 0.2))),
            retry_policy=RetryPolicy(time_to_decide=dice.choice((1.0, 5.0))),
            slowness=0.01,
            cooks=True,
            policy_share=0.3,
            plenty=1.0,
            archives=True,
        )

    @classmethod
    def clocks(cls, seed: int, orders: int) -> "Plan":
        """Clocks are set, and departments stay away for longer than orders wait; no gateway dies."""
        return cls(
            seed,
            orders,
            gateways=2,
            clients=3,
            interval=1.0,
            kinds={"ahead": 1.0, "back": 1.0, "blackout": 1.0},
            retry_policy=RetryPolicy(time_to_decide=3.0),
            slowness=0.01,
            plenty=1.0,
        )

    @classmethod
    def clocks_and_deaths(cls, seed: int, orders: int) -> "Plan":
        """Clocks are set while gateways die, and others take over what they leave."""
        return cls(
            seed,
            orders,
            gateways=3,
            clients=3,
            interval=1.0,
            kinds={"ahead": 1.0, "back": 2.0, "blackout": 1.0, "kill": 0.5},
            retry_policy=RetryPolicy(time_to_decide=2.0, lease=0.6),
            slowness=0.01,
            plenty=1.0,
        )

    @classmethod
    def draw(cls, seed: int, orders: int) -> "Plan":
        """Any of these, or anything: what a seed stands for."""
        special = {
            8: cls.hard,
            9: cls.wavering,
            10: cls.archived,
            13: cls.reconfigured,
            14: cls.forgetful,
            15: cls.torn,
            16: cls.echo,
        }
        special |= {11: cls.clocks, 12: cls.clocks_and_deaths, 17: cls.frozen, 18: cls.restored, 19: cls.watched}
        if plan := special.get(seed % 20):
            return plan(seed, orders)
        dice = random.Random(f"plan {seed}")
        bad = dice.choice((0.0, 0.02, 0.1))
        kinds = ("kill", "fuse", "before", "after", "stop", "cut", "errors", "close")
        return cls(
            seed,
            orders,
            gateways=dice.choice((1, 2, 3)),
            replicas=dice.choice((1, 1, 2)),
            clients=dice.choice((3, 6, 12)),
            interval=dice.choice((0.3, 1.0, 3.0)),
            kinds={kind: dice.choice((0.0, 1.0, 3.0)) for kind in kinds} | {"cut": 1.0},
            weather=Weather(
                dice.choice((0.001, 0.02, 0.2)),
                late=dice.choice((0.0, 0.02, 0.1)),
                drop_request=bad,
                drop_response=dice.choice((0.0, bad)),
                repeat=dice.choice((0.0, 0.05, 0.3)),
                reset=dice.choice((0.0, bad)),
            ),
            retry_policy=RetryPolicy(time_to_decide=dice.choice((1.0, 5.0, 300.0))),
            slowness=dice.choice((0.001, 0.01, 0.05)),
            cooks=dice.random() < 0.4,
            policy_share=dice.choice((0.2, 0.5, 0.8)),
            plenty=dice.choice((0.1, 0.3, 1.0)),
            small_pages=dice.random() < 0.5,
        )
