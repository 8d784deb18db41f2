"""What a phase delivers: tools, resources, prompts, their content blocks and the context that a tool is given."""
