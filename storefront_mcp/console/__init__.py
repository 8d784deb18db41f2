"""The operators' console: pages to watch a store and to decide what agents can do there."""
