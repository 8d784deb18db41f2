"""The store's agent: what a message asks for is done with the store's tools, in the task that it belongs to."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from msgspec import Struct

from storefront_mcp.a2a.context_ids import ContextIds, is_unguessable
from storefront_mcp.a2a.errors import A2aError, A2aErrorKind, invalid_params
from storefront_mcp.a2a.intents import HELP, AgentIntent, CountryReader, read_intent
from storefront_mcp.a2a.model import AgentMessage, AgentTask
from storefront_mcp.a2a.payment_data import holds_payment_data
from storefront_mcp.a2a.replies import AgentReply, grammar_reply, reply_of, reply_of_error
from storefront_mcp.a2a.tasks import (
    CHECKOUT_STATES,
    ENDED_BY,
    OPEN_STATES,
    RETURN_TEXT,
    ShownTask,
    TaskService,
    artifact_of,
    check_protocol_error,
    run_tool,
)
from storefront_mcp.calls.errors import CallError, ScopeMissing, SignedOut, UnknownTool
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.errors import CartNotFound, CartOrdered, ShopError
from storefront_mcp.records.agent_tasks import AgentTaskRecord, AgentTaskState

CART, CHECKOUT = "cart_id", "checkout_id"
STARTING: Final = "add_to_cart"
"""The tool that starts a cart where there is none."""
UNPAID_STATES: Final[frozenset[AgentTaskState]] = frozenset({"failed", "canceled"})
"""Of tasks whose checkout ended without an order; one that was given up has no cart any more."""
LINE_TOOLS: Final = frozenset({"remove_from_cart", "update_cart_item"})
NO_PAYMENT_DATA: Final = (
    "Never send payment data: it was not read. The buyer pays on the shop's page, at the address that comes with the "
    "order."
)
NO_CART: Final = 'There is no cart in this conversation yet. Begin with {"action": "add_to_cart", "sku": …}.'
GUESSED: Final = "No phrase of mine, so I searched for it; send help for what I understand."
NOT_UNDERSTOOD: Final = "I do not understand that, and no product answers to it."
CANCELED: Final = "This purchase is given up; nothing was charged."


class MessageTurn(Struct, kw_only=True):
    """One message on its way through the agent."""

    runner: ToolRunner
    modes: frozenset[str]
    intent: AgentIntent
    context: str
    named: AgentTaskRecord | None
    """The task that the message names."""
    task: AgentTaskRecord | None
    """The task that it is about."""


class StoreAgent:
    """The agent of one store."""

    def __init__(self, contexts: ContextIds, tasks: TaskService, country_code: CountryReader) -> None:
        self._contexts = contexts
        self._country_code = country_code
        self.tasks = tasks
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, message: AgentMessage, runner: ToolRunner, modes: frozenset[str], *, foreign_contexts: bool
    ) -> AgentTask | AgentMessage:
        """Answer a message. `foreign_contexts` is whether it may open a conversation of its own. Raises A2aError."""
        named = None
        context = message.context_id
        if message.task_id:
            named = await self.tasks.find(message.task_id, runner)
            if context and context != named.context:
                raise invalid_params("message.contextId: the task belongs to another conversation.")
            if named.state not in OPEN_STATES:
                raise A2aError(
                    A2aErrorKind.UNSUPPORTED_OPERATION,
                    "This task has ended. Leave taskId out to begin another one in the same conversation.",
                )
            context = named.context
        elif context:
            await self._check_context(context, runner, foreign_contexts=foreign_contexts)
        context = context or self._contexts.new()
        if holds_payment_data(message.parts):
            return self._message(context, AgentReply(NO_PAYMENT_DATA), modes)
        intent = read_intent(message.parts, self._country_code)
        if intent.tool == HELP or (intent.guessed and not runner.is_open(intent.tool)):
            return self._message(context, _help(runner), modes)
        if intent.refusal and runner.is_open(intent.tool):
            return self._message(context, AgentReply(intent.refusal), modes)
        async with self._locks.setdefault(context, asyncio.Lock()):
            task = named or await self._current(context, runner, intent)
            turn = MessageTurn(runner=runner, modes=modes, intent=intent, context=context, named=named, task=task)
            return await self._act(turn)

    async def _check_context(self, context: str, runner: ToolRunner, *, foreign_contexts: bool) -> None:
        """Whether a conversation is one of ours, or may become one. Raises A2aError."""
        if self._contexts.is_ours(context) or await self.tasks.list_context(context, runner):
            return
        if not foreign_contexts:
            raise invalid_params("message.contextId: is unknown here. Leave it out to begin a conversation.")
        if not is_unguessable(context):
            raise invalid_params(
                "message.contextId: others could guess it, and share your cart. Send a UUID, or leave it out."
            )

    async def _current(self, context: str, runner: ToolRunner, intent: AgentIntent) -> AgentTaskRecord | None:
        """The task that a message without a task is about: by the cart or checkout it names, else the newest open."""
        fields = _fields(runner, intent.tool)
        if not {CART, CHECKOUT}.intersection(fields):
            return None
        held = await self.tasks.list_context(context, runner)
        cart, checkout = intent.arguments.get(CART), intent.arguments.get(CHECKOUT)
        if cart or checkout:
            return next((one for one in held if one.cart == cart or (checkout and one.checkout == checkout)), None)
        bought = [one for one in held if one.cart]
        if intent.tool == "get_order_status":
            return next(iter(bought), None)
        found = next((one for one in bought if one.state in OPEN_STATES), None)
        if found is None and bought and bought[0].state in UNPAID_STATES:
            # Nobody has paid for the cart, and nobody gave it up.
            return await self.tasks.begin(context, runner, cart=bought[0].cart)
        return found

    async def _act(self, turn: MessageTurn) -> AgentTask | AgentMessage:
        """Run the tool, and once more with a new cart where the old one turns out to be over."""
        try:
            return await self._run(turn)
        except (CartOrdered, CartNotFound) as over:
            task = turn.task
            if task is None or turn.intent.arguments.get(CART):
                return await self._refusal_answer(turn, over)
            ended = await self.tasks.refresh(task, turn.runner)
            if ended.record.state in OPEN_STATES:
                state = ENDED_BY[type(over)]
                ended = ShownTask(record=await self.tasks.update(task, state=state), reply=reply_of_error(over))
            if turn.named is not None or turn.intent.tool != STARTING:
                return self.tasks.show(ended, turn.modes)
            turn.task = None
        try:
            return await self._run(turn)
        except (CartOrdered, CartNotFound) as over:
            return await self._refusal_answer(turn, over)

    async def _run(self, turn: MessageTurn) -> AgentTask | AgentMessage:
        """Raises CartOrdered and CartNotFound, upon which a new cart may be begun."""
        try:
            shown = await self._run_on_task(turn)
            if shown is not None:
                return self.tasks.show(shown, turn.modes)
            arguments = await self._complete_arguments(turn)
            if arguments is None:
                return self._message(turn.context, AgentReply(NO_CART), turn.modes)
            value = await run_tool(turn.runner, turn.intent.tool, arguments)
        except (CartOrdered, CartNotFound):
            raise
        except (CallError, ShopError) as error:
            return await self._refusal_answer(turn, error)
        return await self._answer_of(turn, arguments, value)

    async def _run_on_task(self, turn: MessageTurn) -> ShownTask | None:
        """What is asked of a task as such: to give it up, or where it stands; None where it is something else."""
        task, tool = turn.task, turn.intent.tool
        if task is None or not turn.runner.is_open(tool):
            return None
        if tool == "cancel_checkout":
            return await self.cancel(task, turn.runner)
        return await self.tasks.refresh(task, turn.runner) if tool == "get_order_status" else None

    async def _answer_of(self, turn: MessageTurn, arguments: Mapping[str, Any], value: Any) -> AgentTask | AgentMessage:  # noqa: ANN401
        """The answer that a tool's value is."""
        intent = turn.intent
        reply = reply_of(intent.tool, value, turn.runner.roadmap)
        if intent.guessed:
            found = bool(getattr(value, "products", ()))
            reply = AgentReply(f"{GUESSED}\n{reply.text}", reply.data) if found else _help(turn.runner, NOT_UNDERSTOOD)
        if isinstance(value, CheckoutView):
            return await self._after_checkout(turn, value, reply)
        if isinstance(value, Cart) or CART in arguments:
            cart = value.cart_id if isinstance(value, Cart) else str(arguments[CART])
            writes = isinstance(value, Cart) and turn.runner.roadmap.open_items[intent.tool].writes
            task = await self._task_of_cart(turn, cart, writes=writes)
            shown = ShownTask(record=task, reply=reply, artifact="cart" if isinstance(value, Cart) else "answer")
            return self.tasks.show(shown, turn.modes)
        if turn.named is not None and not turn.named.cart:
            done = await self.tasks.update(turn.named, state="completed")
            return self.tasks.show(ShownTask(record=done, reply=reply, artifact="answer"), turn.modes)
        return self._message(turn.context, reply, turn.modes)

    async def cancel(self, task: AgentTaskRecord, runner: ToolRunner) -> ShownTask:
        """Give a purchase up, and its checkout. Raises CallError, ShopError, and A2aError where it has ended."""
        if task.state not in OPEN_STATES:
            raise A2aError(A2aErrorKind.TASK_NOT_CANCELABLE, "This task has ended.")
        reply = AgentReply(CANCELED)
        if task.checkout:
            view = await run_tool(runner, "cancel_checkout", {CHECKOUT: task.checkout})
            reply = reply_of("cancel_checkout", view, runner.roadmap)
        return ShownTask(record=await self.tasks.update(task, state="canceled", cart=""), reply=reply)

    async def _complete_arguments(self, turn: MessageTurn) -> Mapping[str, Any] | None:
        """The tool's arguments, with what the conversation knows; None where it has no cart yet."""
        arguments, fields = dict(turn.intent.arguments), _fields(turn.runner, turn.intent.tool)
        if CHECKOUT in fields and not arguments.get(CHECKOUT):
            return None
        if CART in fields and not arguments.get(CART):
            if turn.intent.tool == STARTING and (turn.task is None or not turn.task.cart):
                cart = await run_tool(turn.runner, "create_cart", {})
                turn.task = await self._task_of_cart(turn, cart.cart_id, writes=True)
            if turn.task is None or not turn.task.cart:
                return None
            arguments[CART] = turn.task.cart
        if turn.intent.tool in LINE_TOOLS and "sku" in arguments and "line_id" not in arguments:
            cart = await run_tool(turn.runner, "view_cart", {CART: arguments[CART]})
            sku = arguments.pop("sku")
            arguments["line_id"] = next((line.line_id for line in cart.lines if sku in (line.sku, line.line_id)), sku)
        return arguments

    async def _task_of_cart(self, turn: MessageTurn, cart: str, *, writes: bool) -> AgentTaskRecord:
        """The task of this cart; a changed cart has no checkout any more: the payment page was closed."""
        task = turn.task
        if task is not None and not task.cart:
            return await self.tasks.update(task, state="input_required", cart=cart)
        if task is None or task.cart != cart:
            return await self.tasks.begin(turn.context, turn.runner, cart=cart)
        return await self.tasks.update(task, state="input_required", checkout="") if writes else task

    async def _after_checkout(
        self, turn: MessageTurn, view: CheckoutView, reply: AgentReply
    ) -> AgentTask | AgentMessage:
        cart, task = turn.intent.arguments.get(CART), turn.task
        if task is None and isinstance(cart, str) and cart:
            task = await self.tasks.begin(turn.context, turn.runner, cart=cart)
        if task is None:
            return self._message(turn.context, reply, turn.modes)
        state = CHECKOUT_STATES[view.status]
        task = await self.tasks.update(task, state=state, checkout=view.checkout_id or task.checkout)
        return self.tasks.show(ShownTask(record=task, reply=reply, artifact=artifact_of(view)), turn.modes)

    async def _refusal_answer(self, turn: MessageTurn, error: CallError | ShopError) -> AgentTask | AgentMessage:
        """Tell why something was not done: in the task, or in a message where there is none."""
        check_protocol_error(error)
        if isinstance(error, UnknownTool):
            return self._message(turn.context, _help(turn.runner, f"{error}."), turn.modes)
        reply = reply_of_error(error)
        if isinstance(error, ScopeMissing | SignedOut):
            task = turn.named if turn.named is not None and not turn.named.cart else None
            task = task or await self.tasks.begin(turn.context, turn.runner, "auth_required")
            metadata = turn.runner.shop.store.url("/.well-known/oauth-protected-resource")
            said = AgentReply(f"{reply.text} How to sign in: {metadata} {RETURN_TEXT}", reply.data)
            return self.tasks.show(ShownTask(record=task, reply=said), turn.modes)
        if turn.task is None:
            return self._message(turn.context, reply, turn.modes)
        return self.tasks.show(ShownTask(record=turn.task, reply=reply), turn.modes)

    def _message(self, context: str, reply: AgentReply, modes: frozenset[str]) -> AgentMessage:
        return AgentMessage(
            message_id=secrets.token_hex(16), role="ROLE_AGENT", parts=reply.parts(modes), context_id=context
        )


def _fields(runner: ToolRunner, tool: str) -> frozenset[str]:
    """Names of the arguments of an open tool."""
    found = runner.roadmap.open_items.get(tool)
    return frozenset() if found is None else frozenset(found.arguments.__struct_encode_fields__)


def _help(runner: ToolRunner, before: str = "") -> AgentReply:
    return grammar_reply(runner.shop.store.name, runner.roadmap, before)
