// The steps every client takes at the demo shop, as in steps.py.

export async function shop(call) {
  const story = {};
  const step = async (name, tool, args = {}) => (story[name] = await call(tool, args)).value;
  await step('found', 'search_products', { query: 'tee' });
  const { variants } = await step('product', 'get_product', { sku: 'TEE' });
  const { cart_id } = await step('created', 'create_cart');
  await step('refused', 'add_to_cart', { cart_id, sku: 'TEE' });
  await step('added', 'add_to_cart', { cart_id, sku: variants[0].sku, quantity: 2 });
  await step('added too', 'add_to_cart', { cart_id, sku: 'JAR-DILL' });
  await step('saved', 'apply_coupon', { cart_id, code: 'SAVE10' });
  const address = { country: 'AU', postcode: '4000', region: 'QLD' };
  await step('quoted', 'get_shipping_methods', { cart_id, address });
  await step('viewed', 'view_cart', { cart_id });
  return story;
}

// What one call brought, made of a result of tools/call.
export function answer({ content, structuredContent, isError }) {
  const [{ text }, ...more] = content;
  if (more.length) throw new Error('more than one block');
  return isError ? { refusal: text } : { value: JSON.parse(text), structured: structuredContent ?? null };
}

export function tell(version, tools, story) {
  console.log(JSON.stringify({ version: version ?? null, tools: tools.toSorted(), story }));
}
