"""Who is due, once, in time, and no longer when they bought."""

from msgspec import structs

from pipeline.stages.people.policy import Policy
from schemas.customers import CustomerFact
from schemas.identifiers import person_id
from schemas.rows import TriggerRow
from schemas.time_units import DAY_MS
from tests.pipeline.stages.people.shop import Shop, assertion, day, purchase, refund, regulars, tick

ANN = "user_id:ann"
ANNS = person_id("shop", ANN)


def anns(*days: float, product: str = "coffee") -> list[CustomerFact]:
    """Ann's purchases."""
    return [purchase(ANN, at, product, order=f"ann-{product}-{at}") for at in days]


def a_month_customer() -> Shop:
    """Regulars, and Ann, who bought on days 90, 120 and 150; it is day 151."""
    return Shop().fold([*regulars(), *anns(90, 120, 150), tick(151)])


def hers(shop: Shop, *rules: str) -> list[tuple[str, float]]:
    """The triggers about Ann: rule and day."""
    triggers = shop.triggers(*rules, subject=ANNS)
    return [(t.rule.partition(".")[2], round((t.time - day(0)) / DAY_MS, 2)) for t in triggers]


def test_the_next_date_lies_between_own_habit_and_the_populations() -> None:
    cycle = a_month_customer().cycle(ANNS)
    assert cycle is not None
    assert 29 < cycle["interval_days"] < 31
    assert cycle["due_at"] == day(150) + round(cycle["interval_days"] * 10) * DAY_MS // 10
    assert (cycle["state"], cycle["purchases"]) == ("waiting", 3)
    assert cycle["due_at"] < cycle["late_at"] < cycle["lapsed_at"]


def test_due_is_told_once_three_days_ahead_then_late_then_lapsed() -> None:
    shop = a_month_customer().pass_days(151, 240)
    triggers = hers(shop)
    assert [rule for rule, _ in triggers] == ["due", "late", "lapsed"]
    assert 176.5 < triggers[0][1] < 177.6
    cycle = shop.cycle(ANNS)
    assert cycle is not None and cycle["state"] == "lapsed"


def test_a_purchase_withdraws_the_reminder_and_begins_a_new_cycle() -> None:
    shop = a_month_customer().pass_days(151, 179)
    shop.fold(anns(179.5)).pass_days(180, 208)
    assert [rule for rule, _ in hers(shop)] == ["due", "withdrawn", "due"]
    due, withdrawn, again = shop.triggers(subject=ANNS)
    assert withdrawn.evidence["withdraws"] == due.id
    assert "Bought coffee again on" in withdrawn.reason
    assert due.id != again.id


def test_a_purchase_before_any_trigger_is_silent() -> None:
    shop = a_month_customer().pass_days(151, 170).fold(anns(170.5)).pass_days(171, 190)
    assert hers(shop) == []


def test_refunding_the_purchase_behind_a_reminder_withdraws_it() -> None:
    shop = a_month_customer().pass_days(151, 179).fold([refund("ann-coffee-150", 179.5)])
    rules = [rule for rule, _ in hers(shop)]
    assert rules == ["due", "withdrawn"]
    assert "no longer counts" in shop.triggers("repurchase.withdrawn")[0].reason


def test_the_reason_says_it_in_words_and_the_evidence_in_numbers() -> None:
    trigger = a_month_customer().pass_days(151, 179).triggers("repurchase.due", subject=ANNS)[0]
    assert trigger.reason.startswith("Is expected to buy again: coffee around 2025-12-1")
    assert "bought 3 times, about every" in trigger.reason
    product = trigger.evidence["products"][0]
    assert product["purchases"] == 3
    assert 0.5 < product["weight_of_own_intervals"] <= 1
    assert product["probability_of_return"] > 0.8


def test_every_trigger_is_also_a_row() -> None:
    shop = a_month_customer().pass_days(151, 240)
    rows = shop.table(TriggerRow)
    assert [row["id"] for row in rows] == [trigger.id for trigger in shop.triggers()]


def test_a_product_that_others_do_not_buy_twice_is_not_expected() -> None:
    strangers = [purchase(f"user_id:o{n}", n, "sofa") for n in range(40)]
    shop = Shop().fold([*regulars(), *strangers, *anns(90, product="sofa"), tick(91)])
    shop.pass_days(91, 200)
    assert shop.cycle(ANNS, "sofa") is None
    assert hers(shop) == []


def test_a_first_purchase_of_what_others_repeat_is_expected_at_their_interval() -> None:
    shop = Shop().fold([*regulars(), *anns(150), tick(151)])
    cycle = shop.cycle(ANNS)
    assert cycle is not None and 28 < cycle["interval_days"] < 32


def test_importing_history_is_silent_about_what_is_long_past() -> None:
    history = [purchase(f"user_id:r{n}", 0.1 * n + 30 * k) for n in range(100) for k in range(6)]
    shop = Shop().fold([*history, tick(400)]).pass_days(400, 402)
    states = {cycle["state"] for cycle in shop.cycles()}
    assert len(shop.cycles()) == 100
    assert states == {"lapsed"}
    assert shop.triggers() == []


def test_an_import_beside_live_ticks_is_just_as_silent() -> None:
    history = [purchase(f"user_id:r{n}", 0.1 * n + 30 * k) for n in range(100) for k in range(6)]
    shop = Shop().fold([tick(400), *history, tick(400.1)]).pass_days(401, 402)
    assert {cycle["state"] for cycle in shop.cycles()} == {"lapsed"}
    assert shop.triggers() == []


def test_products_due_together_are_one_trigger() -> None:
    both = [purchase(ANN, at, "coffee", "tea") for at in (90, 120, 150)]
    shop = Shop().fold([*regulars(), *both, tick(151)]).pass_days(151, 182, per_day=1)
    due = shop.triggers("repurchase.due", subject=ANNS)
    assert len(due) == 1
    assert [p["product_id"] for p in due[0].evidence["products"]] == ["coffee", "tea"]


def test_what_comes_due_within_the_cooldown_waits_for_its_end() -> None:
    facts = [*anns(90, 120, 150), *anns(90.3, 120.3, 150.3, product="tea")]
    shop = Shop().fold([*regulars(), *facts, tick(151)]).pass_days(151, 182, per_day=48)
    days = [at for _, at in hers(shop, "repurchase.due")]
    assert len(days) == 2
    assert 1 <= days[1] - days[0] < 1.1


def test_who_opted_out_on_any_device_or_identifier_hears_nothing() -> None:
    quiet = structs.replace(assertion(100, "email:a@x.org", device="phone"), opt_out=True)
    shop = Shop().fold([*regulars(), *anns(90, 120, 150), quiet, tick(151)])
    shop.fold([assertion(152, ANN, device="phone")]).pass_days(152, 240)
    assert hers(shop) == []
    cycle = shop.cycle(ANNS)
    assert cycle is not None and cycle["state"] == "lapsed"


def test_a_reminder_goes_over_to_the_merged_person_and_is_not_repeated() -> None:
    mail = "email:a@x.org"
    hers_by_mail = [purchase(mail, at) for at in (90, 120, 150)]
    shop = Shop().fold([*regulars(), *hers_by_mail, tick(151)]).pass_days(151, 179)
    assert len(shop.triggers("repurchase.due", subject=person_id("shop", mail))) == 1
    shop.fold([assertion(179, ANN, mail)]).pass_days(179.1, 180)
    assert hers(shop, "repurchase.due", "repurchase.withdrawn") == []
    shop.fold(anns(180.5))
    assert [rule for rule, _ in hers(shop)] == ["withdrawn"]


def test_a_tick_looks_at_no_more_than_its_share() -> None:
    policy = Policy(cycles_per_tick=10)
    history = [purchase(f"user_id:r{n}", 0.1 * n + 30 * k) for n in range(60) for k in range(6)]
    shop = Shop(policy).fold([*history, tick(400)])
    assert sum(c["state"] == "lapsed" for c in shop.cycles()) == 10
    shop.fold([tick(400)] * 5)
    assert all(cycle["state"] == "lapsed" for cycle in shop.cycles())


def test_a_restarted_worker_emits_what_an_undisturbed_one_emits() -> None:
    steady, restarting = a_month_customer(), a_month_customer()
    steady.pass_days(151, 240)
    for at in range(151, 240):
        restarting.restart()
        restarting.pass_days(at, at + 1)
    assert [t.id for t in restarting.triggers()] == [t.id for t in steady.triggers()]
    assert restarting.cycles() == steady.cycles()


def test_the_cooldown_goes_over_to_the_merged_person() -> None:
    mail = "email:a@x.org"
    hers_by_mail = [purchase(mail, at) for at in (90, 120, 150)]
    shop = Shop().fold([*regulars(), *hers_by_mail, *anns(90.3, 120.3, 150.3, product="tea")])
    shop.pass_days(151, 177.2, per_day=100)
    assert len(shop.triggers("repurchase.due", subject=person_id("shop", mail))) == 1
    assert hers(shop) == []
    shop.fold([assertion(177.2, ANN, mail)]).pass_days(177.2, 179, per_day=100)
    first = shop.triggers("repurchase.due", subject=person_id("shop", mail))[0]
    later = shop.triggers("repurchase.due", subject=ANNS)[0]
    assert later.time - first.time >= DAY_MS
