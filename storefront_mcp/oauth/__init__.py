"""Sign-in of buyers: the authorization server of a store, whose login step is the shop's own login."""
