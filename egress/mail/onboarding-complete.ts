/** The initial load of an integration is complete: its onboarding lock is lifted (rules.md 33). */
export const onboardingComplete = {
  html: `<h1 style="font-size:20px">Your data from <%= it.app %> has arrived</h1>
<p>The initial sync of <strong><%= it.account_name %></strong> is complete. You can now edit its records.</p>
<table style="border-collapse:collapse">
<% for (const dataset of it.datasets) { %><tr><td style="padding:2px 16px 2px 0"><%= dataset.record_type %></td><td><%= it.wordsOf(dataset) %></td></tr>
<% } %></table>
`,
  text: `Your data from <%= it.app %> has arrived

The initial sync of <%= it.account_name %> is complete. You can now edit its records.

<% for (const dataset of it.datasets) { %>- <%= dataset.record_type %>: <%= it.wordsOf(dataset) %>
<% } %>
`,
};
