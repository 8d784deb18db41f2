// The steps every client takes at the demo shop, as in steps.py.

export async function shop(call) {
  const story = {};
  const step = async (name, tool, args = {}) => (story[name] = await call(tool, args)).value;
  await step('found', 'search_products', { query: 'tee' });
  await step('paged', 'search_products', { query: 'pickle', page_size: 2 });
  const { variants } = await step('product', 'get_product', { sku: 'TEE' });
  const { cart_id } = await step('created', 'create_cart');
  await step('refused', 'add_to_cart', { cart_id, sku: 'TEE' });
  await step('added', 'add_to_cart', { cart_id, sku: variants[0].sku, quantity: 2 });
  await step('added too', 'add_to_cart', { cart_id, sku: 'JAR-DILL' });
  // As the schema has it: a client that knows no object of unknown members can send options too.
  await step('engraved', 'add_to_cart', { cart_id, sku: 'GIFT-MUG', options: '{"Engraving": "ADA", "Mug size": "Small"}' });
  await step('saved', 'apply_coupon', { cart_id, code: 'SAVE10' });
  const address = { country: 'AU', postcode: '4000', region: 'QLD' };
  const { methods } = await step('quoted', 'get_shipping_methods', { cart_id, address });
  await step('viewed', 'view_cart', { cart_id });
  const buyer = { first_name: 'Ada', last_name: 'Byron', street: '1 Queen Street', city: 'Brisbane', phone: '0730000000' };
  const wish = { shipping_address: { ...buyer, ...address }, shipping_method: methods[0].code };
  await step('placed', 'place_order', { cart_id, email: 'ada@example.com', ...wish });
  return story;
}

// What one call brought, made of a result of tools/call.
export function answer({ content, structuredContent, isError }) {
  // A link to the payment page may come after the text.
  const [{ text }] = content;
  return isError ? { refusal: text } : { value: JSON.parse(text), structured: structuredContent ?? null };
}

export function tell(version, tools, story) {
  console.log(JSON.stringify({ version: version ?? null, tools: tools.toSorted(), story }));
}
