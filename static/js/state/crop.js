// The square crop of an image: position and size, never beyond the edge. Lengths are in pixels of the image.

const STEP = 1.25;
const MOST_ZOOM = 8;

export class Crop {
  #width;
  #height;
  zoom = 1;
  x;
  y;

  /** The middle, as large as it gets. */
  constructor({ width, height }) {
    this.#width = width;
    this.#height = height;
    this.x = width / 2;
    this.y = height / 2;
  }

  get side() {
    return Math.min(this.#width, this.#height) / this.zoom;
  }

  get left() {
    return this.x - this.side / 2;
  }

  get top() {
    return this.y - this.side / 2;
  }

  /** `dx` and `dy` are parts of the chosen square: 0.1 is a tenth of what one sees. */
  move(dx, dy) {
    this.x = this.#within(this.x + dx * this.side, this.#width);
    this.y = this.#within(this.y + dy * this.side, this.#height);
  }

  /** `direction` 1 shows less, and that larger; -1 more. Around the middle of what one sees. */
  resize(direction) {
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * STEP ** direction));
    this.move(0, 0);
  }

  get isSmallest() {
    return this.zoom <= 1;
  }

  get isLargest() {
    return this.zoom >= MOST_ZOOM;
  }

  /** For the server: left and top as parts of width and height, the side as part of the shorter edge. */
  get shares() {
    return [this.left / this.#width, this.top / this.#height, 1 / this.zoom]
      .map((share) => Math.min(1, Math.max(0, share)).toFixed(5))
      .join(" ");
  }

  #within(middle, length) {
    return Math.min(length - this.side / 2, Math.max(this.side / 2, middle));
  }
}
