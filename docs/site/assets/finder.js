// A box over an index that leaves only the entries with all the words typed. Works from a folder, without a server.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".finder")) {
    const entries = [...place.parentElement.querySelectorAll("li")]
      .filter((entry) => entry.querySelector("a[href$='.html']"))
      .map((entry) => ({
        entry,
        text: [entry.textContent, ...[...entry.querySelectorAll("[data-words]")].map((one) => one.dataset.words)]
          .join(" ")
          .toLowerCase(),
      }));
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = box.ariaLabel = place.dataset.label;
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    place.append(box, said);

    const find = () => {
      const words = box.value.toLowerCase().match(/[\p{L}\p{N}_.]+/gu) || [];
      let left = 0;
      for (const { entry, text } of entries) {
        entry.hidden = !words.every((word) => text.includes(word.replace(/^\.+|\.+$/g, "")));
        left += !entry.hidden;
      }
      // A heading stays as long as something under it does.
      for (const list of new Set(entries.map(({ entry }) => entry.parentElement))) {
        list.hidden = [...list.children].every((entry) => entry.hidden);
        const heading = list.previousElementSibling;
        if (heading && /^H[23]$/.test(heading.tagName)) heading.hidden = list.hidden;
      }
      said.textContent = !words.length
        ? ""
        : left
          ? `${left} found`
          : "Nothing has all these words. Try fewer, or paste the whole text into seawall explain.";
    };
    box.addEventListener("input", find);
    // Came back by the browser's button: the box may be filled already.
    if (box.value) find();
  }
});
