// Offers the open reading tools to the agent of your browser (WebMCP), where the browser has one.
(() => {
  "use strict";

  const tools = [
    {
      "name": "search_products",
      "title": "Search products",
      "description": "Search products by words, category, price and facets.\n\nPrices are in minor units (27900 AUD is 279.00). \"choose\": read it with get_product before adding it.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "query": {
            "description": "The buyer's words",
            "type": "string"
          },
          "category": {
            "description": "Id or path",
            "type": "string"
          },
          "min_price_minor": {
            "type": "integer",
            "minimum": 0
          },
          "max_price_minor": {
            "description": "Minor units",
            "type": "integer",
            "minimum": 0
          },
          "filters": {
            "type": "string",
            "description": "JSON as text. Facet code to labels"
          },
          "in_stock": {
            "description": "false: sold out only",
            "type": "boolean"
          },
          "on_sale": {
            "type": "boolean"
          },
          "sort": {
            "type": "string",
            "description": "Default: relevance",
            "enum": [
              "best_selling",
              "discount",
              "name",
              "newest",
              "price_high",
              "price_low",
              "rating",
              "relevance"
            ]
          },
          "page_size": {
            "description": "Default: 10",
            "type": "integer",
            "minimum": 1,
            "maximum": 50
          },
          "cursor": {
            "description": "next_cursor of the page before",
            "type": "string"
          }
        }
      }
    },
    {
      "name": "get_product",
      "title": "Get product",
      "description": "Read a product: price, stock, variants and options.\n\nA product with variants is bought by the SKU of one of them. Custom options go into add_to_cart.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "sku": {
            "description": "Of the product",
            "type": "string"
          },
          "url_key": {
            "description": "Instead of sku",
            "type": "string"
          },
          "detail": {
            "type": "string",
            "description": "full: all text, pictures, related",
            "enum": [
              "brief",
              "full"
            ]
          },
          "part": {
            "description": "Of a long description, with full",
            "type": "integer",
            "minimum": 1,
            "maximum": 100
          }
        }
      }
    },
    {
      "name": "get_related_products",
      "title": "Get related products",
      "description": "Find what goes with a product, or in its place.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "sku": {
            "description": "Of the product",
            "type": "string"
          },
          "kind": {
            "type": "string",
            "description": "Default: related",
            "enum": [
              "accessories",
              "alternatives",
              "related"
            ]
          }
        },
        "required": [
          "sku"
        ]
      }
    },
    {
      "name": "list_categories",
      "title": "List categories",
      "description": "List categories as a tree, with how many products each holds.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "parent": {
            "description": "Id or path; default: all",
            "type": "string"
          },
          "depth": {
            "description": "Levels; default 2",
            "type": "integer",
            "minimum": 1,
            "maximum": 5
          }
        }
      }
    },
    {
      "name": "get_category",
      "title": "Get category",
      "description": "Read a category, its subcategories and the first page of its products.\n\nMore, and other orders: search_products with it.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "category": {
            "description": "Category id or path",
            "type": "string"
          },
          "page_size": {
            "description": "Default: 10",
            "type": "integer",
            "minimum": 1,
            "maximum": 50
          }
        },
        "required": [
          "category"
        ]
      }
    },
    {
      "name": "get_store_info",
      "title": "Get store info",
      "description": "Read who the shop is, where it delivers, how it is paid; its own words on a topic.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "topic": {
            "type": "string",
            "description": "Default: about",
            "enum": [
              "about",
              "contact",
              "coupons",
              "payment",
              "privacy",
              "returns",
              "shipping"
            ]
          }
        }
      }
    },
    {
      "name": "view_cart",
      "title": "View cart",
      "description": "Show a cart, kept seven days after its last change.\n\nTotals: subtotal - discount + shipping + tax (unless tax_included) - gift_cards + other = total.",
      "inputSchema": {
        "type": "object",
        "properties": {
          "cart_id": {
            "description": "From create_cart",
            "type": "string"
          }
        },
        "required": [
          "cart_id"
        ]
      }
    }
  ];

  // Drafts differ: the context moved from navigator to document, and registerTool replaced provideContext.
  const context = document.modelContext ?? navigator.modelContext;
  if (!context || tools.length === 0) return;

  let calls = 0;

  const failed = (text) => ({ content: [{ type: "text", text }], isError: true });

  const call = async (name, input) => {
    let answer;
    try {
      const response = await fetch("/mcp", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Accept": "application/json, text/event-stream" },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: ++calls,
          method: "tools/call",
          params: { name, arguments: input ?? {} },
        }),
      });
      answer = await response.json();
    } catch (error) {
      return failed(`The shop could not be reached: ${error.message}`);
    }
    if (!answer.result) return failed(answer.error?.message ?? answer.message ?? "The shop gave no answer.");
    return { content: answer.result.content, isError: answer.result.isError === true };
  };

  const offered = tools.map((tool) => ({
    ...tool,
    annotations: { readOnlyHint: true },
    execute: (input) => call(tool.name, input),
  }));

  const register = async (tool) => {
    try {
      await context.registerTool(tool);
    } catch (error) {
      console.warn(`WebMCP: ${tool.name} was not registered: ${error.message}`);
    }
  };

  if (typeof context.registerTool === "function") offered.forEach(register);
  else if (typeof context.provideContext === "function") context.provideContext({ tools: offered });
})();
