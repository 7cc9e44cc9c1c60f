/** The initial load of an integration failed: its onboarding lock stays (rules.md 33). */
export const onboardingFailed = {
  html: `<h1 style="font-size:20px">Your data from <%= it.app %> could not be read</h1>
<p>The initial sync of <strong><%= it.account_name %></strong> failed, so its records cannot be edited yet.
The sync runs of the integration show the errors. Correct them, then start a full sync.</p>
<table style="border-collapse:collapse">
<% for (const dataset of it.datasets) { %><tr><td style="padding:2px 16px 2px 0"><%= dataset.record_type %></td><td><%= it.wordsOf(dataset) %></td></tr>
<% } %></table>
`,
  text: `Your data from <%= it.app %> could not be read

The initial sync of <%= it.account_name %> failed, so its records cannot be edited yet.
The sync runs of the integration show the errors. Correct them, then start a full sync.

<% for (const dataset of it.datasets) { %>- <%= dataset.record_type %>: <%= it.wordsOf(dataset) %>
<% } %>
`,
};
