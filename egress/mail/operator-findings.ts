/** New problems of the installation, and those that have ended, for the people who run it. */
export const operatorFindings = {
  html: `<h1 style="font-size:20px">Syncline</h1>
<% for (const [title, items] of [['New', it.appeared], ['Over', it.over]]) { if (items.length > 0) { %><h2 style="font-size:16px"><%= title %></h2>
<ul>
<% for (const { finding, detail, since } of items) { %><li><strong><%= finding %></strong> (since <%= since %>): <%= detail %></li>
<% } %></ul>
<% } } %><p>The runbook says what to do: docs/operations/runbook.md.</p>
`,
  text: `<% for (const [title, items] of [['New', it.appeared], ['Over', it.over]]) { if (items.length > 0) { %><%= title %>:
<% for (const { finding, detail, since } of items) { %>- <%= finding %> (since <%= since %>): <%= detail %>
<% } %>
<% } } %>The runbook says what to do: docs/operations/runbook.md.
`,
};
