/**
 * Several notifications in one e-mail, newest first: after a mail outage, or if there were many (rules.md
 * R19).
 */
export const notificationDigest = {
  html: `<h1 style="font-size:20px">New notifications in Syncline</h1>
<ul>
<% for (const item of it.items) { %><li><a href="<%= it.linkTo(item) %>" style="color:#0b57d0"><%= it.titleOf(item) %></a></li>
<% } %></ul>
`,
  text: `New notifications in Syncline

<% for (const item of it.items) { %>- <%= it.titleOf(item) %>
  <%= it.linkTo(item) %>

<% } %>
`,
};
