// Fill an empty shop from a stock document: `medusa exec ./stock.js stock.json keys.json` writes its keys into the latter.
const fs = require("node:fs");
const { ContainerRegistrationKeys, Modules } = require("@medusajs/framework/utils");
const flows = require("@medusajs/medusa/core-flows");

module.exports.default = async function stock({ container, args }) {
  const document = JSON.parse(fs.readFileSync(args[0], "utf8"));
  const run = async (flow, input) => (await flow(container).run({ input })).result;
  const link = container.resolve(ContainerRegistrationKeys.LINK);
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const fulfillment = container.resolve(Modules.FULFILLMENT);

  const [store] = await container.resolve(Modules.STORE).listStores();
  const [channel] = await run(flows.createSalesChannelsWorkflow, { salesChannelsData: [{ name: "Agents" }] });
  const currencies = [...new Map(document.regions.map((one) => [one.currency_code, one])).values()];
  await run(flows.updateStoresWorkflow, {
    selector: { id: store.id },
    update: {
      default_sales_channel_id: channel.id,
      supported_currencies: currencies.map((one, index) => ({
        currency_code: one.currency_code,
        is_default: index === 0,
        is_tax_inclusive: one.is_tax_inclusive ?? false,
      })),
    },
  });
  await run(flows.createRegionsWorkflow, {
    regions: document.regions.map(({ tax, ...region }) => ({
      ...region,
      automatic_taxes: true,
      payment_providers: ["pp_system_default"],
    })),
  });
  await run(
    flows.createTaxRegionsWorkflow,
    document.regions.flatMap((region) =>
      region.countries.map((country) => ({
        country_code: country,
        provider_id: "tp_system",
        default_tax_rate: { rate: region.tax[country] ?? 0, code: country, name: "Tax" },
      })),
    ),
  );

  const [location] = await run(flows.createStockLocationsWorkflow, {
    locations: [{ name: "Warehouse", address: { address_1: "1 Barrel Lane", city: "Brunswick", country_code: "AU" } }],
  });
  await link.create({
    [Modules.STOCK_LOCATION]: { stock_location_id: location.id },
    [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" },
  });
  await run(flows.linkSalesChannelsToStockLocationWorkflow, { id: location.id, add: [channel.id] });
  const [profile] = await run(flows.createShippingProfilesWorkflow, { data: [{ name: "Goods", type: "default" }] });
  const set = await fulfillment.createFulfillmentSets({
    name: "Delivery",
    type: "shipping",
    service_zones: document.zones.map((zone) => ({
      name: zone.name,
      geo_zones: zone.countries.map((country) => ({ type: "country", country_code: country })),
    })),
  });
  await link.create({
    [Modules.STOCK_LOCATION]: { stock_location_id: location.id },
    [Modules.FULFILLMENT]: { fulfillment_set_id: set.id },
  });
  await run(
    flows.createShippingOptionsWorkflow,
    document.zones.flatMap((zone) =>
      zone.options.map((option) => ({
        name: option.name,
        price_type: "flat",
        provider_id: "manual_manual",
        service_zone_id: set.service_zones.find((one) => one.name === zone.name).id,
        shipping_profile_id: profile.id,
        type: { label: option.name, description: option.name, code: option.code },
        prices: option.prices,
        rules: [
          { attribute: "enabled_in_store", operator: "eq", value: "true" },
          { attribute: "is_return", operator: "eq", value: "false" },
        ],
      })),
    ),
  );

  const categories = {};
  for (const { name, handle, description, parent } of document.categories) {
    const [made] = await run(flows.createProductCategoriesWorkflow, {
      product_categories: [{ name, handle, description, is_active: true, parent_category_id: categories[parent] ?? null }],
    });
    categories[handle] = made.id;
  }
  const stocks = {};
  const sales = {};
  const products = document.products.map(({ categories: handles, variants, images, ...product }) => ({
    ...product,
    status: "published",
    category_ids: handles.map((handle) => categories[handle]),
    shipping_profile_id: profile.id,
    sales_channels: [{ id: channel.id }],
    variants: variants.map(({ stock, sale, ...variant }) => {
      stocks[variant.sku] = stock;
      if (sale) sales[variant.sku] = sale;
      return { manage_inventory: true, ...variant };
    }),
  }));
  const made = [];
  for (let start = 0; start < products.length; start += 100) {
    made.push(...(await run(flows.createProductsWorkflow, { products: products.slice(start, start + 100) })));
  }
  const { data: items } = await query.graph({ entity: "inventory_item", fields: ["id", "sku"] });
  await run(flows.createInventoryLevelsWorkflow, {
    inventory_levels: items.map((item) => ({
      inventory_item_id: item.id,
      location_id: location.id,
      stocked_quantity: stocks[item.sku],
    })),
  });
  const variants = made.flatMap((product) => product.variants);
  await run(flows.createPriceListsWorkflow, {
    price_lists_data: [
      {
        title: "Sale",
        description: "Sale",
        type: "sale",
        status: "active",
        prices: variants
          .filter((variant) => sales[variant.sku])
          .flatMap((variant) => sales[variant.sku].map((price) => ({ ...price, variant_id: variant.id }))),
      },
    ],
  });
  await run(flows.createPromotionsWorkflow, { promotionsData: document.promotions });

  const [publishable, secret] = await run(flows.createApiKeysWorkflow, {
    api_keys: [
      { title: "Agents", type: "publishable", created_by: "tests" },
      { title: "Orders", type: "secret", created_by: "tests" },
    ],
  });
  await run(flows.linkSalesChannelsToApiKeyWorkflow, { id: publishable.id, add: [channel.id] });
  fs.writeFileSync(args[1], JSON.stringify({ publishable: publishable.token, secret: secret.token }));
};
