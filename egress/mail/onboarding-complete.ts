/** The first copy of an integration's data is here: its gate is open (rules.md 33). */
export const onboardingComplete = {
  html: `<h1 style="font-size:20px">Your data from <%= it.app %> is here</h1>
<p>The first copy of the account <strong><%= it.account_name %></strong> is complete. Its records can be changed now.</p>
<table style="border-collapse:collapse">
<% for (const dataset of it.datasets) { %><tr><td style="padding:2px 16px 2px 0"><%= dataset.record_type %></td><td><%= it.wordsOf(dataset) %></td></tr>
<% } %></table>
`,
  text: `Your data from <%= it.app %> is here

The first copy of the account <%= it.account_name %> is complete. Its records can be changed now.

<% for (const dataset of it.datasets) { %>- <%= dataset.record_type %>: <%= it.wordsOf(dataset) %>
<% } %>
`,
};
