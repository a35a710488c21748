// DOM helpers. Elements are found by the data attributes of the templates: never by class, never made from HTML
// strings.

export const view = (name, root = document) => root.querySelector(`[data-view="${name}"]`);
export const part = (root, name) => root?.querySelector(`[data-part="${name}"]`) ?? null;
export const action = (name, root = document) => root?.querySelector(`[data-action="${name}"]`) ?? null;

/** A fresh copy of the element inside `<template data-template=name>`. */
export function cloneTemplate(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  return template.content.firstElementChild.cloneNode(true);
}

/** Writes only a change: an unchanged text node keeps the selection and the screen reader's position. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (value == null || value === false) delete element.dataset[name];
  else if (element.dataset[name] !== String(value)) element.dataset[name] = String(value);
}

/** Whether the user has typed or switched something here since the page was sent. */
export const isChanged = ({ type, value, defaultValue, checked, defaultChecked }) =>
  checked !== defaultChecked || (type !== "checkbox" && value !== defaultValue);

/**
 * Calls `run()` whenever the text in the field has changed, except while a composition is running; and now, if it was
 * typed before this script was there.
 */
export function onTyped(field, run) {
  field.addEventListener("input", ({ isComposing }) => !isComposing && run());
  field.addEventListener("compositionend", () => run());
  if (isChanged(field)) run();
}

/** The avatar of a user over their initials; `card` is the user's. As templates/partials/_avatar.html draws it. */
export function showFace(avatar, { initials = "", avatar: picture }) {
  const drawn = avatar.querySelector("img");
  if ((drawn?.getAttribute("src") ?? "") === (picture ?? "") && avatar.textContent === initials) return;
  avatar.textContent = initials;
  if (!picture) return;
  avatar.append(Object.assign(new Image(), { className: "avatar__picture", src: picture, alt: "", decoding: "async" }));
}

/**
 * Django's CSRF token: from the cookie (the page has its name: another service of this host may use the default one),
 * or from a form of this page.
 */
export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]');
  const cookie = meta && document.cookie.split("; ").find((pair) => pair.startsWith(`${meta.dataset.cookie}=`));
  return cookie?.split("=")[1] ?? meta?.content ?? document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "";
}

export function pageData(page = document) {
  const element = page.getElementById("page-data");
  return element ? JSON.parse(element.textContent) : {};
}

/** The same for an account page: the user that it belongs to, and its strings. */
export function userPageData() {
  const user = document.querySelector('meta[name="csrf-token"]')?.dataset.user ?? null;
  const strings = document.getElementById("client-texts");
  return { page: "account", user: { id: user }, strings: strings ? JSON.parse(strings.textContent) : {} };
}
