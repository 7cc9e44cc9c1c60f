/** Nothing of an integration's data could be read: its gate stays closed (rules.md 33). */
export const onboardingFailed = {
  html: `<h1 style="font-size:20px">Your data from <%= it.app %> could not be read</h1>
<p>The first copy of the account <strong><%= it.account_name %></strong> has failed, so its records cannot be changed yet. The integration's sync runs say what was wrong; when that is mended, start a full sync.</p>
<table style="border-collapse:collapse">
<% for (const dataset of it.datasets) { %><tr><td style="padding:2px 16px 2px 0"><%= dataset.record_type %></td><td><%= it.wordsOf(dataset) %></td></tr>
<% } %></table>
`,
  text: `Your data from <%= it.app %> could not be read

The first copy of the account <%= it.account_name %> has failed, so its records cannot be changed yet. The integration's sync runs say what was wrong;
when that is mended, start a full sync.

<% for (const dataset of it.datasets) { %>- <%= dataset.record_type %>: <%= it.wordsOf(dataset) %>
<% } %>
`,
};
