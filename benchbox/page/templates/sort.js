
"use strict";
// Every heading sorts its table: up, down, as it was. Numbers by value; what has none stays last both ways.
for (const table of document.querySelectorAll("main table")) {
  const rows = [...table.querySelectorAll("tbody > tr")];
  const homes = rows.map((row) => row.parentNode);
  const heads = [...table.tHead.rows[0].cells];
  const words = new Intl.Collator("en", { numeric: true });
  const read = (row, place, number) => {
    const text = row.cells[place].textContent.trim();
    if (!number) return text === "" || text === "–" ? null : text;
    const found = /^[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?/i.exec(text);
    return found ? Number(found[0].replaceAll(",", "")) : null;
  };
  const arrange = (place, number, sign) => {
    const keyed = rows.map((row) => [read(row, place, number), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (number ? a - b : words.compare(a, b));
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      if (order === null) {
        rows.forEach((row, index) => homes[index].append(row));
        return;
      }
      head.setAttribute("aria-sort", order);
      arrange(place, head.classList.contains("r"), order === "ascending" ? 1 : -1);
    });
  });
}
