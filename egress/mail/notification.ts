/**
 * One notification that its reader has not looked at (rules.md 26). What a third party said about it is not
 * in it.
 */
export const notification = {
  html: `<% for (const item of it.items) { %><h1 style="font-size:20px"><%= it.titleOf(item) %></h1>
<p><%= it.explanationOf(item) %></p>
<% } %>`,
  text: `<% for (const item of it.items) { %><%= it.titleOf(item) %>

<%= it.explanationOf(item) %>

<% } %>`,
};
