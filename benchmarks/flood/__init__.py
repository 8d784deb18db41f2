"""What a flood from one address costs everybody else, behind the shipped nginx."""
