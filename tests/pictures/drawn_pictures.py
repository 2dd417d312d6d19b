"""Small pictures of every kind, drawn by the tests themselves."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

HEIGHT, WIDTH = 12, 20


def scene() -> np.ndarray:
    """uint8 (H, W, 3), RGB, of large blocks: no two corners are alike, black and white occur."""
    picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    picture[:6, :10], picture[:6, 10:], picture[6:, :10] = 0, 255, (200, 40, 90)
    return picture


def gray_scene() -> np.ndarray:
    """uint8 (H, W), likewise."""
    return scene()[:, :, 1]


def upright_as(orientation: int, picture: np.ndarray) -> np.ndarray:
    """What has to be stored so that a viewer who follows ``orientation`` shows ``picture``."""
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: np.rot90,
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](picture))


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[274] = orientation
    return block


def xmp(orientation: int) -> str:
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'


def save_turned(path: Path, where: str, orientation: int) -> Path:
    """A file whose pixels are turned, and whose orientation is kept ``where``."""
    picture = Image.fromarray(upright_as(orientation, scene()))
    if where in ("jpeg", "webp", "tiff", "png early", "avif"):
        quality = {} if where in ("tiff", "png early") else {"quality": 100}
        if where == "webp":
            quality = {"lossless": True}
        picture.save(path, exif=exif(orientation), **quality)
    elif where == "webp xmp":
        picture.save(path, xmp=xmp(orientation).encode(), lossless=True)
    elif where == "jpeg xmp":
        picture.save(path, xmp=xmp(orientation).encode(), quality=100)
    elif where.startswith("png xmp"):
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp(orientation))
        picture.save(path, pnginfo=info)
        if where == "png xmp late":
            move_behind_pixels(path, b"iTXt")
    elif where == "png late":
        picture.save(path, exif=exif(orientation))
        move_behind_pixels(path, b"eXIf")
    else:
        raise ValueError(where)
    return path


def move_behind_pixels(path: Path, kind: bytes) -> None:
    """Put a PNG's chunks of one kind before its end."""
    data, place, chunks = path.read_bytes(), 8, []
    while place < len(data):
        length = struct.unpack(">I", data[place : place + 4])[0]
        chunks.append(data[place : place + 12 + length])
        place += 12 + length
    moved = [chunk for chunk in chunks if chunk[4:8] == kind]
    assert moved
    others = [chunk for chunk in chunks if chunk[4:8] != kind]
    path.write_bytes(data[:8] + b"".join([*others[:-1], *moved, others[-1]]))


def save_tiff(path: Path, pixels: np.ndarray, sample_format: int, photometric: int = 1) -> Path:
    """An uncompressed little-endian TIFF of one strip, gray or colours, of any depth."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    data = np.ascontiguousarray(pixels).tobytes()
    bits, tags = pixels.dtype.itemsize * 8, []
    after = 8 + 2 + 10 * 12 + 4
    many = struct.pack(f"<{2 * channels}H", *[bits] * channels, *[sample_format] * channels)
    for tag, kind, count, value in (
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, channels, after if channels > 2 else bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2 if channels == 3 else photometric),
        (273, 4, 1, after + len(many)),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
        (339, 3, channels, after + 2 * channels if channels > 2 else sample_format),
    ):
        tags.append(struct.pack("<HHII", tag, kind, count, value))
    header = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags))
    path.write_bytes(header + b"".join(tags) + b"\0\0\0\0" + many + data)
    return path


def save_png(path: Path, depth: int, color: int, rows: bytes, width: int, height: int) -> Path:
    """A PNG of raw scan lines, for kinds that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def gray_kinds(folder: Path) -> dict[str, Path]:
    """Files of :func:`gray_scene`, one for each way to keep it."""
    gray, files = gray_scene(), {}

    def save(name: str, image: Image.Image, suffix: str = ".png", **options) -> None:
        files[name] = folder / f"{name.replace(' ', '_')}{suffix}"
        image.save(files[name], **options)

    wide = gray.astype(np.uint16)
    save("L", Image.fromarray(gray))
    save("LA", Image.merge("LA", [Image.fromarray(gray), Image.new("L", (WIDTH, HEIGHT), 7)]))
    save("palette", Image.fromarray(gray).convert("P"))
    save("16 bits", Image.fromarray(wide * 257))
    save("16 bits tiff", Image.fromarray(wide * 257), ".tif")
    save("12 in 16 bits", Image.fromarray(np.rint(gray * (4095 / 255)).astype(np.uint16)))
    save("8 in 16 bits", Image.fromarray(wide), ".tif")
    save("32 bits", Image.fromarray((gray.astype(np.int64) * 8421504).astype(np.int32)), ".tif")
    save("float 0 to 1", Image.fromarray((gray / 255).astype(np.float32)), ".tif")
    save("float 0 to 255", Image.fromarray(gray.astype(np.float32)), ".tif")
    save("float 0 to 65535", Image.fromarray(wide.astype(np.float32) * 257), ".tif")
    for name, pixels, sample_format, photometric in (
        ("unsigned 32 bits", gray.astype(np.uint32) * 16843009, 1, 1),
        ("float 64 bits", gray / 255, 3, 1),
        ("white is zero", 65535 - wide * 257, 1, 0),
    ):
        files[name] = folder / f"{name.replace(' ', '_')}.tif"
        save_tiff(files[name], pixels, sample_format, photometric)
    return files


def color_kinds(folder: Path) -> dict[str, Path]:
    """Files of :func:`scene`, one for each lossless way to keep it."""
    rgb, files = scene(), {}
    image = Image.fromarray(rgb)

    def save(name: str, picture: Image.Image, suffix: str = ".png", **options) -> None:
        files[name] = folder / f"{name.replace(' ', '_')}{suffix}"
        picture.save(files[name], **options)

    alpha = Image.fromarray(np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH))
    rgba = Image.merge("RGBA", [*image.split(), alpha])
    palette = image.quantize(8)
    save("RGB", image)
    save("bmp", image, ".bmp")
    save("ppm", image, ".ppm")
    save("RGBA", rgba)
    save("RGBA tiff", rgba, ".tif")
    save("webp with alpha", rgba, ".webp", lossless=True, exact=True)
    save("palette", palette)
    save("palette with a clear colour", palette, transparency=0)
    save("palette with alpha", palette, transparency=bytes([0, 100, 200, 255]))
    save("gif", palette, ".gif")
    later = Image.new("RGB", image.size, "red")
    save("moving gif", palette, ".gif", save_all=True, append_images=[later.quantize(8)])
    save("moving png", image, save_all=True, append_images=[later])
    save("moving webp", image, ".webp", save_all=True, append_images=[later], lossless=True)
    save("pages", image, ".tif", save_all=True, append_images=[later])
    deep = rgb.astype(np.uint16) * 257
    for name, pixels in (
        ("16 bits.png", deep),
        ("16 bits with alpha.png", np.dstack([deep, deep[:, :, :1]])),
        ("16 bits.tif", deep),
        ("12 in 16 bits.png", np.rint(rgb * (4095 / 255)).astype(np.uint16)),
        ("12 in 16 bits.tif", np.rint(rgb * (4095 / 255)).astype(np.uint16)),
        ("float.tif", (rgb / 255).astype(np.float32)),
    ):
        files[name] = folder / name.replace(" ", "_")
        order = [2, 1, 0, *range(3, pixels.shape[2])]
        cv2.imwrite(str(files[name]), np.ascontiguousarray(pixels[:, :, order]))
    return files
