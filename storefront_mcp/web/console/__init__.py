"""The operator's seat: pages on which the people who run a shop see and decide what agents can do there."""
