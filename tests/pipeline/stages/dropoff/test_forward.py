from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.dropoff.forward import NO_STEP, choose, first_step, values, verdict
from schemas.outcomes import ORDER_COMPLETED

FUNNEL = {
    "/": {"/products": 600.0, "/about": 50.0, NO_STEP: 350.0},
    "/about": {"/": 10.0, NO_STEP: 40.0},
    "/products": {"/product/:id": 400.0, "/": 60.0, NO_STEP: 200.0},
    "/product/:id": {"/cart": 150.0, "/products": 100.0, NO_STEP: 150.0},
    "/cart": {"/checkout": 100.0, "/products": 20.0, NO_STEP: 30.0},
    "/checkout": {"/payment": 80.0, "/cart": 8.0, NO_STEP: 12.0},
    "/payment": {ORDER_COMPLETED: 70.0, "/checkout": 4.0, NO_STEP: 6.0},
}


def chosen(page: str, current: tuple[str, ...] = ()) -> tuple[str, ...]:
    return choose(page, FUNNEL[page], values(FUNNEL, ORDER_COMPLETED), current)


def test_every_step_of_a_funnel_leads_forward() -> None:
    assert [chosen(page) for page in ("/products", "/cart", "/checkout", "/payment")] == [
        ("/product/:id",),
        ("/checkout",),
        ("/payment",),
        (ORDER_COMPLETED,),
    ]


def test_going_back_is_not_forward() -> None:
    assert "/cart" not in chosen("/checkout")
    assert "/products" not in chosen("/cart")


def test_even_a_page_that_sends_most_people_back_does_not_make_back_forward() -> None:
    broken = {**FUNNEL, "/checkout": {"/cart": 90.0, "/payment": 6.0, NO_STEP: 4.0}}
    value = values(broken, ORDER_COMPLETED)
    assert choose("/checkout", broken["/checkout"], value, ()) == ("/payment",)


def test_nothing_is_learned_before_ten_goals() -> None:
    rare = {**FUNNEL, "/payment": {ORDER_COMPLETED: 9.0, NO_STEP: 1.0}}
    assert values(rare, ORDER_COMPLETED) == {}


def test_a_page_with_few_attempts_keeps_what_it_had() -> None:
    value = values(FUNNEL, ORDER_COMPLETED)
    assert choose("/cart", {"/products": 20.0}, value, ("/checkout",)) == ("/checkout",)


def test_a_known_step_stays_until_it_is_no_nearer_than_the_page() -> None:
    value = {"/a": 0.10, "/b": 0.11}
    assert choose("/a", {"/b": 90.0}, value, ()) == ()
    assert choose("/a", {"/b": 90.0}, value, ("/b",)) == ("/b",)
    assert choose("/a", {"/b": 90.0}, {"/a": 0.10, "/b": 0.09}, ("/b",)) == ()


def test_a_declared_verdict_stands_over_the_learned_set() -> None:
    assert verdict(False, ("/payment",), ("/payment",)) is False
    assert verdict(None, ("/payment",), ("/payment",)) is True
    assert verdict(None, ("/payment",), ()) is None


def test_the_first_step_is_a_page_or_the_goal_before_other_events() -> None:
    assert first_step(("Product Added", "/cart"), ORDER_COMPLETED) == "/cart"
    assert first_step(("Product Added", ORDER_COMPLETED), ORDER_COMPLETED) == ORDER_COMPLETED
    assert first_step(("Product Added",), ORDER_COMPLETED) == "Product Added"
    assert first_step((), ORDER_COMPLETED) == NO_STEP


PAGES = st.sampled_from(["/a", "/b", "/c", ORDER_COMPLETED, NO_STEP])
CHAINS = st.dictionaries(
    st.sampled_from(["/a", "/b", "/c"]), st.dictionaries(PAGES, st.floats(0, 1e6), max_size=5)
)


@given(CHAINS)
def test_values_are_chances(chain: dict[str, dict[str, float]]) -> None:
    assert all(0.0 <= value <= 1.0 for value in values(chain, ORDER_COMPLETED).values())
