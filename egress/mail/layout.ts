/** The frame of every e-mail: its text (`it.body`) and a link to the platform. */
export const layout = {
  html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title><%= it.subject %></title></head>
<body style="margin:0;padding:24px;background:#f6f6f4;color:#1c1c1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#fff;border-radius:8px">
<%~ it.body %>
<p><a href="<%= it.link %>" style="color:#0b57d0"><%= it.link %></a> (sign-in required)</p>
<p style="color:#6b6b66;font-size:13px"><%= it.why %><% if (it.unsubscribe) { %>
<a href="<%= it.unsubscribe %>" style="color:#6b6b66">Turn off e-mails to you</a>.<% } %></p>
</div>
</body>
</html>
`,
  text: `<%= it.body %>

<%= it.link %> (sign-in required)

--${' '}
<%= it.why %><% if (it.unsubscribe) { %>
Turn off e-mails to you: <%= it.unsubscribe %><% } %>
`,
};
