"""The store's agent: phrases and data run tools, tasks carry the cart, and refusals are answers."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.a2a.intents import AgentIntent, read_intent
from storefront_mcp.a2a.model import text_part
from storefront_mcp.access.caller import Caller
from storefront_mcp.backends.postal.countries import country_code
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.errors import CartBeingOrdered, CartGone, CartOrdered, CheckoutNotFound, ShopDown
from tests.fakes.a2a_agent import BINDINGS, A2aAgent, A2aRefusal
from tests.fakes.memory_backend import roadmap
from tests.unit.a2a.environment import ORDER, SELLING, InMemoryStore


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture(params=BINDINGS)
def agent(request: pytest.FixtureRequest, store: InMemoryStore) -> A2aAgent:
    return store.agent(request.param)


async def paid_for(agent: A2aAgent) -> Any:
    await agent.say("add PAD-2 x 2")
    return await agent.act("place_order", **ORDER)


@pytest.mark.parametrize("words", ["help", "Hello!", "  HELP. "])
async def test_it_tells_what_it_understands(agent: A2aAgent, words: str) -> None:
    answer = await agent.say(words)
    assert answer.kind == "message"
    assert "- search <words>" in answer.text
    assert answer.data["phrases"][-1] == "help"
    assert answer.data["actions"]["add_to_cart"]["required"] == ["cart_id", "sku"]


async def test_it_understands_nothing_that_is_closed(store: InMemoryStore) -> None:
    store.roadmap = roadmap("p1_browse")
    answer = await store.agent().say("help")
    assert "- add <SKU>" not in answer.text
    assert set(answer.data["phrases"]) == {"search <words>", "show <SKU>", "help"}


async def test_what_is_closed_is_refused_in_the_shops_words(store: InMemoryStore) -> None:
    store.roadmap = roadmap("p1_browse")
    answer = await store.agent().say("add PAD-2")
    assert (answer.kind, answer.error["code"]) == ("message", "tool_not_open")
    assert "What works: browse." in answer.text


async def test_a_search_is_a_message_with_products_in_words_and_data(agent: A2aAgent) -> None:
    answer = await agent.say("Search for paddle")
    assert answer.kind == "message"
    assert "- Carbon paddle (PAD-2), AUD 279.00" in answer.text
    assert answer.data["tool"] == "search_products"
    assert answer.result["products"][0]["price"] == {"minor": 27900, "currency": "AUD"}


async def test_plain_words_are_searched_for_and_the_answer_says_so(agent: A2aAgent) -> None:
    answer = await agent.say("carbon paddle")
    assert answer.text.startswith("No phrase of mine, so I searched for it")
    assert answer.result["products"][0]["sku"] == "PAD-2"


async def test_plain_words_without_a_hit_are_not_understood(agent: A2aAgent) -> None:
    answer = await agent.say("what is the meaning of life")
    assert answer.text.startswith("I do not understand that, and no product answers to it. This is the agent of")


async def test_plain_words_are_no_search_while_searching_is_closed(store: InMemoryStore) -> None:
    store.roadmap = roadmap(p1_browse="paused", p3_checkout="paused")
    answer = await store.agent().say("carbon paddle")
    assert "It has no language model" in answer.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("show PAD-2", "Carbon paddle (PAD-2), AUD 279.00"),
        ("show SHIRT", "- SHIRT-L: Size L, out of stock"),
        ("product NET-0", "Portable net (NET-0), AUD 99.00, out of stock"),
        ("show NO-1", "No product has the SKU"),
    ],
)
async def test_a_product_is_shown(agent: A2aAgent, words: str, told: str) -> None:
    answer = await agent.say(words)
    assert answer.kind == "message"
    assert told in answer.text


async def test_the_first_data_with_an_action_counts_and_no_text(agent: A2aAgent) -> None:
    answer = await agent.send(
        [{"text": "add PAD-2"}, {"data": {"note": 1}}, {"data": {"action": "get_product", "product_id": "JAR-1"}}]
    )
    assert answer.result["sku"] == "JAR-1"


async def test_arguments_may_stand_apart(agent: A2aAgent) -> None:
    answer = await agent.act("search", arguments={"query": "jar"})
    assert [one["sku"] for one in answer.result["products"]] == ["JAR-1"]


async def test_an_unknown_action_is_answered_with_what_there_is(agent: A2aAgent) -> None:
    answer = await agent.act("fly")
    assert answer.text.startswith("Unknown tool: fly. This is the agent")


async def test_wrong_arguments_are_named(agent: A2aAgent) -> None:
    answer = await agent.act("search_products", page_size="many")
    assert answer.error["code"] == "invalid_arguments"
    assert "page_size" in answer.text


@pytest.mark.parametrize("name", ["tool", "self", "runner"])
async def test_arguments_that_no_tool_has_are_named_whatever_they_are_called(agent: A2aAgent, name: str) -> None:
    answer = await agent.send([{"data": {"action": "search_products", "query": "paddle", name: "x"}}])
    assert answer.error["code"] == "invalid_arguments"
    assert answer.text.startswith(f"{name}: there is no such argument")


async def test_a_cart_is_a_task_that_the_conversation_keeps(agent: A2aAgent, store: InMemoryStore) -> None:
    first = await agent.say("add PAD-2 x 2")
    assert (first.kind, first.state) == ("task", "input-required")
    assert first.body["artifacts"][0]["name"] == "cart"
    assert "2 x Carbon paddle (PAD-2), AUD 558.00" in first.text
    assert 'To order: {"action": "place_order"' in first.text
    assert first.text == first.body["status"]["message"]["parts"][0]["text"]
    await agent.say("search jar")
    second = await agent.act("add_to_checkout", product_id="SHIRT-S", quantity=1)
    assert second.task_id == first.task_id
    assert [line["sku"] for line in second.result["lines"]] == ["PAD-2", "SHIRT-S"]
    assert len(store.records.records) == 1
    shown = await agent.say("show my cart")
    assert shown.result["totals"] == second.result["totals"]
    assert len((await agent.say("remove SHIRT-S")).result["lines"]) == 1
    one = (await agent.act("update_cart_item", sku="PAD-2", quantity=1)).result["lines"]
    assert [line["quantity"] for line in one] == [1]
    assert "The cart is empty." in (await agent.act("remove_from_cart", line_id=one[0]["line_id"])).text


async def test_a_cart_that_stays_as_it_is_costs_no_write(store: InMemoryStore) -> None:
    agent = store.agent()
    await agent.say("add PAD-2")
    before = store.records.writes
    await agent.say("add PAD-2")
    assert store.records.writes == before
    store.later(90_000)
    await agent.say("add PAD-2")
    assert store.records.writes == before + 1, "it lives on"


async def test_a_variant_has_to_be_chosen(agent: A2aAgent) -> None:
    answer = await agent.say("add SHIRT")
    assert (answer.kind, answer.state) == ("task", "input-required")
    assert answer.error["code"] == "variant_required"
    assert answer.error["detail"]["variants"][0]["sku"] == "SHIRT-S"


@pytest.mark.parametrize("words", ["cart", "shipping to AU 4000", "status", "cancel", "remove PAD-2"])
async def test_there_is_nothing_to_look_at_before_there_is_a_cart(agent: A2aAgent, words: str) -> None:
    answer = await agent.say(words)
    assert (answer.kind, "There is no cart in this conversation yet" in answer.text) == ("message", True)


async def test_shipping_is_quoted_in_the_task(agent: A2aAgent) -> None:
    await agent.say("add PAD-2")
    answer = await agent.say("Shipping to au 4000")
    assert (answer.kind, answer.state, answer.task_id) == ("task", "input-required", agent.task)
    assert answer.text.startswith("Ways to send it:\n- ")
    assert answer.data["tool"] == "get_shipping_methods"


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("shipping to Germany 10115", {"country": "DE", "postcode": "10115"}),
        ("shipping to Deutschland", {"country": "DE"}),
        ("shipping to Australia, 4000.", {"country": "AU", "postcode": "4000"}),
        ("Shipping to United Kingdom SW1A 1AA", {"country": "GB", "postcode": "SW1A 1AA"}),
        ("shipping uk SW1A 1AA", {"country": "GB", "postcode": "SW1A 1AA"}),
        ("shipping to New Zealand Wellington", {"country": "NZ", "city": "Wellington"}),
        ("shipping AU 4000", {"country": "AU", "postcode": "4000"}),
    ],
)
def test_a_country_is_read_by_its_name_and_a_postcode_with_spaces(words: str, address: dict[str, str]) -> None:
    assert read_intent([text_part(words)], country_code) == AgentIntent(
        tool="get_shipping_methods", arguments={"address": address}
    )


async def test_what_is_no_country_is_told_with_what_to_say_instead(agent: A2aAgent) -> None:
    await agent.say("add PAD-2")
    answer = await agent.say("Shipping to Brisbane")
    assert answer.text == (
        "'Brisbane' is no country that I know. Say the country first, by its name or code, then the postcode, such as "
        "shipping to Australia 4000."
    )
    assert (await agent.say("shipping to")).text.startswith("Say the country first")
    assert "I do not understand that" in (await agent.say("shipping is free")).text


async def test_what_an_order_lacks_is_asked_for(agent: A2aAgent) -> None:
    await agent.say("add PAD-2")
    answer = await agent.act("complete_checkout")
    assert (answer.kind, answer.state, answer.error["code"]) == ("task", "input-required", "invalid_arguments")
    assert "email" in answer.text


async def test_the_address_to_pay_at_is_in_the_result_and_in_the_status(agent: A2aAgent) -> None:
    answer = await paid_for(agent)
    assert (answer.kind, answer.state) == ("task", "input-required")
    assert answer.body["artifacts"][0]["name"] == "checkout"
    for told in (answer.text, answer.body["status"]["message"]["parts"][0]["text"]):
        assert "The buyer pays at https://pickle.example/pay/chk-1" in told
    assert answer.result["continue_url"] == "https://pickle.example/pay/chk-1"


async def test_a_task_is_completed_once_there_is_an_order(agent: A2aAgent, store: InMemoryStore) -> None:
    await paid_for(agent)
    assert (await agent.get()).state == "input-required"
    store.checkouts.checkouts["chk-1"] = replace(store.checkouts.checkouts["chk-1"], status="complete_in_progress")
    assert (await agent.get()).state == "working"
    store.checkouts.paid("chk-1")
    done = await agent.get()
    assert (done.state, done.body["artifacts"][0]["name"]) == ("completed", "order")
    assert "The order is made: number 100000001." in done.text
    assert (await agent.say("status")).state == "completed"
    with pytest.raises(A2aRefusal) as refused:
        await agent.say("add PAD-2", taskId=agent.task)
    assert refused.value.reason == "UNSUPPORTED_OPERATION"
    again = await agent.say("add PAD-2")
    assert again.task_id != done.task_id
    assert again.context == done.context


async def test_a_status_may_be_asked_by_the_checkouts_own_id(agent: A2aAgent, store: InMemoryStore) -> None:
    await paid_for(agent)
    assert (await agent.say("status chk-1")).task_id == agent.task
    stranger = store.agent()
    answer = await stranger.say("status chk-1")
    assert (answer.kind, answer.result["checkout_id"]) == ("message", "chk-1")
    assert (await stranger.say("order status chk-9")).error["code"] == "checkout_not_found"


async def test_a_dry_run_leaves_no_checkout(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("add PAD-2")
    answer = await agent.act("place_order", dry_run=True, **ORDER)
    assert (answer.state, answer.body["artifacts"][0]["name"]) == ("input-required", "checkout")
    assert store.records.records[agent.task].checkout == ""


async def test_a_changed_cart_has_no_checkout_any_more(agent: A2aAgent, store: InMemoryStore) -> None:
    await paid_for(agent)
    assert store.records.records[agent.task].checkout == "chk-1"
    await agent.say("add PAD-2")
    assert store.records.records[agent.task].checkout == ""
    assert (await agent.get()).data["tool"] == "view_cart"


@pytest.mark.parametrize("way", ["in words", "by the protocol"])
async def test_a_purchase_is_given_up(agent: A2aAgent, store: InMemoryStore, way: str) -> None:
    await paid_for(agent)
    ended = await (agent.say("cancel") if way == "in words" else agent.cancel())
    assert ended.state == "canceled"
    assert store.checkouts.checkouts["chk-1"].status == "canceled"
    assert (await agent.get()).state == "canceled"
    with pytest.raises(A2aRefusal) as refused:
        await agent.cancel()
    assert refused.value.reason == "TASK_NOT_CANCELABLE"
    assert (await agent.say("add JAR-1")).task_id != ended.task_id


async def test_a_cart_without_a_checkout_is_given_up_too(agent: A2aAgent) -> None:
    await agent.say("add PAD-2")
    assert (await agent.cancel()).state == "canceled"
    assert "given up" in (await agent.get()).text
    assert "There is no cart" in (await agent.say("cart")).text


async def test_it_is_too_late_to_give_up_what_is_paid(agent: A2aAgent, store: InMemoryStore) -> None:
    await paid_for(agent)
    store.checkouts.down = CartBeingOrdered("chk-1")
    with pytest.raises(A2aRefusal) as refused:
        await agent.cancel()
    assert refused.value.reason == "TASK_NOT_CANCELABLE"
    answer = await agent.say("cancel")
    assert (answer.state, answer.error["code"]) == ("input-required", "cart_being_ordered")


@pytest.mark.parametrize("ended", ["failed", "canceled"])
async def test_after_a_payment_that_failed_the_cart_is_still_there(
    agent: A2aAgent, store: InMemoryStore, ended: Any
) -> None:
    failed = await paid_for(agent)
    store.checkouts.checkouts["chk-1"] = CheckoutView(
        checkout_id="chk-1", status=ended, next_step="Order again.", totals=store.checkouts.checkouts["chk-1"].totals
    )
    assert (await agent.get()).state == ended
    cart = await agent.say("cart")
    assert cart.result["lines"][0]["sku"] == "PAD-2"
    assert cart.task_id != failed.task_id


def refuse_changes(store: InMemoryStore, of: set[str] | None = None) -> None:
    """These carts, or all, became orders, and the shop shows them as they were."""

    async def check(handle: Any) -> None:
        await asyncio.sleep(0)
        if of is None or handle in of:
            raise CartOrdered("chk-7", "100000007")

    store.shop.carts._before_change = check  # type: ignore[assignment]


def ordered_elsewhere(store: InMemoryStore) -> None:
    """Every cart that there is became an order by another protocol, and the shop has dropped it."""
    ordered = {handle for _, handle in store.handles.records}

    async def check(handle: Any) -> None:
        await asyncio.sleep(0)
        if handle in ordered:
            raise CartOrdered("chk-7", "100000007")

    carts = store.shop.carts
    carts._refuse_ordered = carts._before_change = check  # type: ignore[assignment]
    store.backend.forget()


async def test_a_cart_that_was_ordered_elsewhere_ends_its_task_and_the_next_begins(
    agent: A2aAgent, store: InMemoryStore
) -> None:
    first = await agent.say("add PAD-2")
    ordered_elsewhere(store)
    second = await agent.say("add PAD-2")
    assert second.task_id != first.task_id
    assert store.records.records[first.task_id].state == "completed"


async def test_a_named_task_that_was_ordered_elsewhere_says_so(agent: A2aAgent, store: InMemoryStore) -> None:
    first = await agent.say("add PAD-2")
    ordered_elsewhere(store)
    answer = await agent.say("add PAD-2", taskId=first.task_id)
    assert (answer.state, answer.error["code"]) == ("completed", "cart_ordered")


async def test_a_cart_that_is_ordered_and_still_shown_ends_its_task_too(agent: A2aAgent, store: InMemoryStore) -> None:
    first = await agent.say("add PAD-2")
    refuse_changes(store, of={first.result["cart_id"]})
    told = await agent.say("remove PAD-2")
    assert (told.task_id, told.state, told.error["code"]) == (first.task_id, "completed", "cart_ordered")


async def test_a_cart_that_cannot_be_replaced_is_said_to_be_over(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("add PAD-2")
    refuse_changes(store)
    told = await agent.say("add PAD-2")
    assert (told.kind, told.error["code"]) == ("task", "cart_ordered")


async def test_the_protocol_reads_a_cart_that_was_ordered_elsewhere(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("add PAD-2")
    ordered_elsewhere(store)
    assert (await agent.get()).state == "completed"


async def test_a_cart_whose_life_is_over_is_replaced(agent: A2aAgent, store: InMemoryStore) -> None:
    first = await agent.say("add PAD-2")
    store.handles.records.clear()
    second = await agent.say("add PAD-2")
    assert second.task_id != first.task_id
    assert (await agent.get(first.task_id)).state == "canceled"
    store.handles.records.clear()
    told = await agent.say("cart")
    assert (told.state, told.error["code"]) == ("canceled", "cart_not_found")


async def test_carts_of_other_protocols_go_on_here(agent: A2aAgent, store: InMemoryStore) -> None:
    cart = await store.shop.carts.create()
    answer = await agent.act("add_to_cart", cart_id=cart.cart_id, sku="PAD-2")
    assert (answer.kind, answer.result["lines"][0]["sku"]) == ("task", "PAD-2")
    assert (await agent.act("view_cart", cart_id=cart.cart_id)).task_id == answer.task_id
    assert (await agent.act("place_order", cart_id=cart.cart_id, **ORDER)).task_id == answer.task_id
    told = await agent.act("view_cart", cart_id="cart_nobodys")
    assert (told.kind, told.error["code"]) == ("message", "cart_not_found")


async def test_an_order_of_a_cart_of_another_protocol_begins_a_task(agent: A2aAgent, store: InMemoryStore) -> None:
    cart = await store.shop.carts.create()
    await store.shop.carts.add_line(cart.cart_id, "PAD-2", 1, {})
    answer = await agent.act("place_order", cart_id=cart.cart_id, **ORDER)
    assert (answer.kind, answer.state) == ("task", "input-required")


async def test_a_cart_may_be_begun_on_purpose(agent: A2aAgent) -> None:
    first = await agent.act("create_cart")
    second = await agent.act("create_cart")
    assert first.task_id != second.task_id
    assert (await agent.say("add PAD-2")).task_id == second.task_id


async def test_a_conversation_has_so_many_open_tasks(agent: A2aAgent) -> None:
    for _ in range(5):
        await agent.act("create_cart")
    with pytest.raises(A2aRefusal, match="5 open tasks"):
        await agent.act("create_cart")


async def test_a_shop_that_is_down_leaves_the_task_as_it_was(agent: A2aAgent, store: InMemoryStore) -> None:
    await paid_for(agent)
    store.checkouts.down = ShopDown()
    answer = await agent.get()
    assert (answer.state, answer.error["code"]) == ("input-required", "shop_unavailable")
    store.checkouts.down = CheckoutNotFound()
    assert (await agent.get()).state == "canceled"


async def test_a_cart_that_the_shop_lost_is_said_to_be_lost(agent: A2aAgent, store: InMemoryStore) -> None:
    await agent.say("add PAD-2")
    store.backend.forget()
    answer = await agent.get()
    assert (answer.state, answer.error["code"]) == ("input-required", CartGone.code)


async def test_two_messages_at_once_share_one_cart(store: InMemoryStore) -> None:
    agent = store.agent()
    context = (await agent.say("help")).context
    answers = await asyncio.gather(*(agent.say("add PAD-2", contextId=context) for _ in range(4)))
    assert len({answer.task_id for answer in answers}) == 1
    assert (await agent.say("cart")).result["lines"][0]["quantity"] == 4


async def test_what_needs_a_sign_in_is_a_task_that_waits_for_it(agent: A2aAgent, store: InMemoryStore) -> None:
    store.roadmap = roadmap("p1_browse", "p2_cart", "p3_checkout", "p4_account")
    answer = await agent.act("get_customer_orders")
    assert (answer.kind, answer.state) == ("task", "auth-required")
    assert "https://pickle.example/.well-known/oauth-protected-resource" in answer.text
    assert "artifacts" not in answer.body
    assert (await agent.get()).state == "auth-required"
    again = await agent.act("get_customer_orders")
    assert again.state == "auth-required"
    waiting = await agent.send([{"data": {"action": "get_customer_orders"}}], taskId=answer.task_id)
    assert waiting.task_id == answer.task_id
    store.caller = Caller(kind="customer", principal="c1", scopes=frozenset({"orders:read"}), grant="g1")
    done = await agent.send([{"data": {"action": "search", "query": "jar"}}], taskId=answer.task_id)
    assert (done.state, done.task_id) == ("completed", answer.task_id)
    assert (await agent.get(answer.task_id)).text == "This is done."
    cart = await agent.send([{"data": {"action": "create_cart"}}], taskId=again.task_id)
    assert (cart.state, cart.task_id) == ("input-required", again.task_id)


async def test_a_task_that_waits_for_a_sign_in_can_be_given_up(agent: A2aAgent, store: InMemoryStore) -> None:
    store.roadmap = roadmap("p1_browse", "p4_account")
    await agent.act("get_customer_orders")
    assert (await agent.cancel()).state == "canceled"


async def test_a_customers_task_is_nobody_elses(agent: A2aAgent, store: InMemoryStore) -> None:
    store.caller = Caller(kind="key", principal="k1")
    await agent.say("add PAD-2")
    assert (await agent.get()).state == "input-required"
    store.caller = Caller(kind="key", principal="k2")
    with pytest.raises(A2aRefusal) as refused:
        await agent.get()
    assert refused.value.reason == "TASK_NOT_FOUND"
    assert "There is no cart" in (await agent.say("cart")).text


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "pay with 4111 1111 1111 1111"}],
        [{"data": {"action": "place_order", "note": ["5500-0000-0000-0004"]}}],
        [{"data": {"action": "place_order", "card": {"number": 378282246310005}}}],
        [{"data": {"action": "complete_checkout", "a2a.ucp.checkout.payment": {}}}],
    ],
)
async def test_payment_data_is_not_read(agent: A2aAgent, parts: Any) -> None:
    answer = await agent.send(parts)
    assert (answer.kind, answer.text.partition(":")[0]) == ("message", "Never send payment data")
    assert "1111" not in str(answer.body)


@pytest.mark.parametrize("words", ["search 4111111111111112", "search 9300675024235", "search 1234567890123456789"])
async def test_bar_codes_and_other_numbers_are_searched_for(agent: A2aAgent, words: str) -> None:
    assert "payment data" not in (await agent.say(words)).text


@pytest.mark.parametrize(
    ("modes", "kinds"),
    [
        (["text/plain"], {"text"}),
        (["text/*"], {"text"}),
        (["application/json"], {"data"}),
        (["image/png", "application/json;charset=utf-8"], {"data"}),
        (["*/*"], {"text", "data"}),
        ([], {"text", "data"}),
    ],
)
async def test_an_answer_has_only_what_the_client_takes(agent: A2aAgent, modes: list[str], kinds: set[str]) -> None:
    answer = await agent.send([{"text": "search jar"}], configuration={"acceptedOutputModes": modes})
    assert {name for part in answer.parts for name in part} & {"text", "data"} >= kinds
    assert len(answer.parts) == len(kinds)
    task = await agent.send([{"text": "add PAD-2"}], configuration={"acceptedOutputModes": modes})
    assert len(task.parts) == len(kinds)


async def test_other_tools_are_told_of_in_data(agent: A2aAgent) -> None:
    assert "Nothing is" not in (await agent.act("get_category", category="10")).text
    answer = await agent.act("list_categories")
    assert answer.text == "The answer is in the data part."
    assert answer.result["categories"]


async def test_nothing_is_listed_without_a_conversation(store: InMemoryStore) -> None:
    agent = store.agent()
    await agent.say("add PAD-2")
    assert (await agent.ask("list", {}))["tasks"] == []
    (task,) = (await agent.ask("list", {"contextId": agent.context}))["tasks"]
    assert (task["id"], "artifacts" in task) == (agent.task, False)


async def test_tasks_are_listed_newest_first_and_in_pages(store: InMemoryStore) -> None:
    agent = store.agent("1.0 HTTP+JSON")
    ids = []
    for _ in range(3):
        store.later(60)
        ids.append((await agent.act("create_cart")).task_id)
    store.later(60)
    await agent.cancel(ids[0])
    wanted = {"contextId": agent.context, "pageSize": 2}
    first = await agent.ask("list", wanted)
    assert [task["id"] for task in first["tasks"]] == [ids[0], ids[2]]
    assert (first["totalSize"], first["pageSize"]) == (3, 2)
    second = await agent.ask("list", wanted | {"pageToken": first["nextPageToken"]})
    assert ([task["id"] for task in second["tasks"]], second["nextPageToken"]) == ([ids[1]], "")
    canceled = await agent.ask("list", {"contextId": agent.context, "status": "TASK_STATE_CANCELED"})
    assert [task["id"] for task in canceled["tasks"]] == [ids[0]]
    since = first["tasks"][0]["status"]["timestamp"]
    newest = await agent.ask("list", {"contextId": agent.context, "statusTimestampAfter": since})
    assert newest["totalSize"] == 1


async def test_a_list_shows_orders_that_were_paid_meanwhile(store: InMemoryStore) -> None:
    agent = store.agent()
    await paid_for(agent)
    store.checkouts.paid("chk-1")
    (task,) = (await agent.ask("list", {"contextId": agent.context, "includeArtifacts": True}))["tasks"]
    assert task["status"]["state"] == "TASK_STATE_COMPLETED"
    assert task["artifacts"][0]["name"] == "order"


@pytest.mark.parametrize(
    ("member", "value"),
    [("pageSize", 0), ("pageSize", 101), ("pageToken", "x"), ("historyLength", -1), ("statusTimestampAfter", "noon")],
)
async def test_odd_wishes_for_a_list_are_refused(store: InMemoryStore, member: str, value: Any) -> None:
    with pytest.raises(A2aRefusal, match=member):
        await store.agent().ask("list", {"contextId": "x", member: value})


async def test_every_tool_of_the_shop_is_open_to_the_agent(store: InMemoryStore) -> None:
    answer = await store.agent().say("help")
    assert set(answer.data["actions"]) == set(SELLING.open_items)
