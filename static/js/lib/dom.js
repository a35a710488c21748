// The few things we do to the page, by the data attributes of the templates; never by class, never with HTML strings.

export const view = (name, root = document) => root.querySelector(`[data-view="${name}"]`);
export const part = (root, name) => root?.querySelector(`[data-part="${name}"]`) ?? null;
export const action = (name, root = document) => root?.querySelector(`[data-action="${name}"]`) ?? null;

/** A fresh copy of the element inside `<template data-template=name>`. */
export function cloneTemplate(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  return template.content.firstElementChild.cloneNode(true);
}

/** Writes only what differs: an unchanged text node keeps selection and the place of a screen reader. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (value == null || value === false) delete element.dataset[name];
  else if (element.dataset[name] !== String(value)) element.dataset[name] = String(value);
}

/** The picture of a person over their letters; `card` is theirs. As templates/partials/_avatar.html draws it. */
export function showFace(avatar, { initials = "", avatar: picture }) {
  const drawn = avatar.querySelector("img");
  if ((drawn?.getAttribute("src") ?? "") === (picture ?? "") && avatar.textContent === initials) return;
  avatar.textContent = initials;
  if (!picture) return;
  avatar.append(Object.assign(new Image(), { className: "avatar__picture", src: picture, alt: "", decoding: "async" }));
}

/** Django's token: the cookie (whose name the page tells: another service of this host has one, too), or what a form of this page carries. */
export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]');
  const cookie = meta && document.cookie.split("; ").find((pair) => pair.startsWith(`${meta.dataset.cookie}=`));
  return cookie?.split("=")[1] ?? meta?.content ?? document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "";
}

export function pageData(page = document) {
  const element = page.getElementById("page-data");
  return element ? JSON.parse(element.textContent) : {};
}

/** The same for a signed-in page beside the chats: who it belongs to, and its sentences. */
export function userPageData() {
  const user = document.querySelector('meta[name="csrf-token"]')?.dataset.user ?? null;
  const strings = document.getElementById("client-texts");
  return { page: "account", user: { id: user }, strings: strings ? JSON.parse(strings.textContent) : {} };
}
