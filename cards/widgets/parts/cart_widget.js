start(showCart);
