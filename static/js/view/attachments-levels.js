// How loud a recording is, drawn as bars.

const BAR_PX = 5;

/** The latest levels, as bars; `share` of them as played. */
export function drawLevels(canvas, levels, share) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale))
    Object.assign(canvas, { width: width * scale, height: height * scale });
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = style.color;
  const count = Math.floor(width / BAR_PX);
  const from = Math.max(0, levels.length - count);
  const isRightToLeft = style.direction === "rtl";
  levels.slice(from).forEach((level, at) => {
    const size = Math.max(3, Math.min(1, level * 1.6) * height);
    context.globalAlpha = (from + at) / levels.length <= share ? 1 : 0.35;
    const x = at * BAR_PX;
    context.fillRect(isRightToLeft ? width - x - 3 : x, (height - size) / 2, 3, size);
  });
}
