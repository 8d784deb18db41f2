start((product) => showProduct(product));
