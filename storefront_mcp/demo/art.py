"""SVG pictures of products, made of a few shapes in colours by product."""

from typing import Final
from xml.sax.saxutils import escape
from zlib import crc32

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct

_PALETTES: Final = (
    ("#e9f2dc", "#5b8c2a", "#2f4d16"),
    ("#fdf1d3", "#d99a1c", "#7a4b06"),
    ("#e4eff7", "#3a7ca5", "#173f5a"),
    ("#fbe6e1", "#c8553d", "#6e2517"),
    ("#efe8f6", "#7b5ea7", "#3c2a5c"),
    ("#e3f4ef", "#2a9d8f", "#12514a"),
)
_COLOURS: Final = {"Black": "#26282b", "Blue": "#2f6db5", "Green": "#4f8a2b", "Sand": "#d8c39a", "White": "#f7f7f2"}

SHAPES: Final = {
    "paddle": '<rect x="128" y="50" width="144" height="190" rx="62" fill="{main}"/>'
    '<rect x="182" y="228" width="36" height="112" rx="14" fill="{dark}"/>'
    '<path d="M152 110h96M152 140h96M152 170h96" stroke="{soft}" stroke-width="6" opacity=".6"/>',
    "ball": '<circle cx="200" cy="195" r="118" fill="{main}"/><g fill="{dark}">'
    '<circle cx="200" cy="120" r="14"/><circle cx="140" cy="160" r="14"/><circle cx="260" cy="160" r="14"/>'
    '<circle cx="200" cy="195" r="14"/><circle cx="140" cy="232" r="14"/><circle cx="260" cy="232" r="14"/>'
    '<circle cx="200" cy="270" r="14"/></g>',
    "net": '<path d="M50 110v190M350 110v190" stroke="{dark}" stroke-width="12"/>'
    '<path d="M50 120h300v130H50z" fill="none" stroke="{main}" stroke-width="8"/>'
    '<path d="M50 152h300M50 186h300M50 220h300M110 120v130M170 120v130M230 120v130M290 120v130" '
    'stroke="{main}" stroke-width="4"/>',
    "bag": '<path d="M150 110a50 50 0 0 1 100 0" fill="none" stroke="{dark}" stroke-width="14"/>'
    '<rect x="100" y="110" width="200" height="210" rx="36" fill="{main}"/>'
    '<rect x="134" y="210" width="132" height="80" rx="14" fill="{dark}" opacity=".55"/>',
    "grip": '<circle cx="200" cy="195" r="104" fill="none" stroke="{main}" stroke-width="46"/>'
    '<circle cx="200" cy="195" r="52" fill="none" stroke="{dark}" stroke-width="18"/>',
    "jar": '<rect x="132" y="62" width="136" height="42" rx="10" fill="{dark}"/>'
    '<rect x="116" y="108" width="168" height="222" rx="34" fill="{main}" opacity=".85"/>'
    '<g fill="{dark}" opacity=".45"><rect x="140" y="134" width="32" height="150" rx="16"/>'
    '<rect x="184" y="126" width="32" height="158" rx="16"/><rect x="228" y="138" width="32" height="146" rx="16"/></g>'
    '<rect x="116" y="196" width="168" height="70" fill="#fffdf6"/>',
    "relish": '<path d="M120 100h160l16 36H104z" fill="{dark}"/>'
    '<rect x="108" y="136" width="184" height="190" rx="56" fill="{main}"/>'
    '<circle cx="200" cy="232" r="52" fill="#fffdf6"/>',
    "kit": '<rect x="80" y="130" width="240" height="180" rx="20" fill="{main}"/>'
    '<path d="M160 130v-30h80v30" fill="none" stroke="{dark}" stroke-width="14"/>'
    '<path d="M200 172v96M152 220h96" stroke="{soft}" stroke-width="22"/>',
    "spice": '<rect x="130" y="120" width="140" height="200" rx="16" fill="{main}"/>'
    '<ellipse cx="200" cy="120" rx="70" ry="22" fill="{dark}"/>'
    '<g fill="{soft}"><circle cx="176" cy="210" r="10"/><circle cx="210" cy="236" r="10"/>'
    '<circle cx="232" cy="200" r="10"/></g>',
    "tee": '<path d="M140 80l-80 50 30 52 34-18v160h152V164l34 18 30-52-80-50c-18 28-102 28-120 0z" fill="{main}" '
    'stroke="{dark}" stroke-width="4"/><rect x="218" y="160" width="18" height="44" rx="9" fill="{dark}"/>',
    "cap": '<path d="M90 230a110 110 0 0 1 220 0z" fill="{main}" stroke="{dark}" stroke-width="4"/>'
    '<path d="M90 230h270c0 34-60 40-110 30z" fill="{dark}"/>',
    "sock": '<path d="M150 70h84v150l70 50c22 40-30 62-60 50l-80-46c-14-8-14-20-14-34z" fill="{main}" '
    'stroke="{dark}" stroke-width="4"/><path d="M150 100h84M150 124h84" stroke="{dark}" stroke-width="8"/>',
    "mug": '<rect x="104" y="110" width="160" height="190" rx="24" fill="{main}"/>'
    '<path d="M264 150h30a40 40 0 0 1 0 100h-30" fill="none" stroke="{main}" stroke-width="24"/>'
    '<rect x="170" y="160" width="28" height="90" rx="14" fill="{dark}"/>',
    "box": '<path d="M70 160h260v150H70z" fill="{main}"/><path d="M50 120h300v44H50z" fill="{dark}"/>'
    '<path d="M184 120h32v190h-32z" fill="#fffdf6"/>',
    "book": '<path d="M96 80h190a20 20 0 0 1 20 20v220H116a20 20 0 0 1-20-20z" fill="{main}"/>'
    '<path d="M96 300a20 20 0 0 1 20-20h190" fill="none" stroke="{dark}" stroke-width="8"/>'
    '<path d="M140 140h120M140 170h84" stroke="{soft}" stroke-width="12"/>',
    "toy": '<rect x="146" y="60" width="108" height="270" rx="54" fill="{main}"/><g fill="{dark}">'
    '<circle cx="182" cy="150" r="9"/><circle cx="220" cy="150" r="9"/></g>'
    '<path d="M176 184c14 18 36 18 50 0" fill="none" stroke="{dark}" stroke-width="7"/>',
}
"""SVG body by kind of product, on a canvas of 400 by 400; the name is drawn at y = 376."""

FAVICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><title>Pickle Warehouse</title>'
    '<rect width="64" height="64" rx="14" fill="#e9f2dc"/><rect x="22" y="8" width="20" height="48" rx="10" '
    'fill="#5b8c2a"/><circle cx="29" cy="24" r="2.5" fill="#2f4d16"/><circle cx="36" cy="34" r="2.5" fill="#2f4d16"/>'
    "</svg>"
)


def product_art(catalogue: DemoCatalogue, product: DemoProduct) -> str:
    """The picture of a product as an SVG document; a variant has its own colour."""
    family = product.sku.split("-")[-1] if product.parent is None else product.sku
    soft, main, dark = _PALETTES[crc32(family.encode()) % len(_PALETTES)]
    if "color" in product.attributes:
        main = _COLOURS[catalogue.attributes["color"].label_of(product.attributes["color"])]
    drawn = SHAPES[product.art].format(soft=soft, main=main, dark=dark)
    name = escape(product.name)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" role="img">'
        f'<title>{name}</title><rect width="400" height="400" fill="{soft}"/>{drawn}'
        f'<text x="200" y="376" text-anchor="middle" font-family="Georgia, serif" font-size="18" fill="{dark}">'
        f"{name}</text></svg>"
    )
