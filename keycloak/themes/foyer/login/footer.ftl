<#-- Registering and forgotten passwords are pages of ours: see docs/decisions/0102. -->
<#macro content>
  <#if (pageId!"") == "login" && (client.baseUrl)?has_content>
    <p class="foyer-links">
      <a id="foyer-password" href="${client.baseUrl}password">${msg("doForgotPassword")}</a>
      <span>${msg("noAccount")} <a id="foyer-register" href="${client.baseUrl}register">${msg("doRegister")}</a></span>
    </p>
  </#if>
</#macro>
