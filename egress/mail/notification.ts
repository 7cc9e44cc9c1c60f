/**
 * One notification that its recipient has not viewed (rules.md 26). It contains no text of a third party.
 */
export const notification = {
  html: `<% for (const item of it.items) { %><h1 style="font-size:20px"><%= it.titleOf(item) %></h1>
<p><%= it.explanationOf(item) %></p>
<% } %>`,
  text: `<% for (const item of it.items) { %><%= it.titleOf(item) %>

<%= it.explanationOf(item) %>

<% } %>`,
};
