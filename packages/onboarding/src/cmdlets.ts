/**
 * Every command that our scripts use, with the parameters that they use of it. The Exchange and Graph cmdlets as documented in
 * office-docs-powershell and the Graph PowerShell reference; nothing of AzureAD or MSOnline, which are retired.
 */
export const cmdlets: Readonly<Record<string, readonly string[]>> = {
  // Microsoft.Graph.Authentication, Microsoft.Graph.Applications
  "Connect-MgGraph": ["TenantId", "Environment", "ContextScope", "NoWelcome", "Scopes"],
  "Disconnect-MgGraph": ["ErrorAction"],
  "Get-MgContext": [],
  "Get-MgApplication": ["Filter", "Property", "All", "ApplicationId"],
  "New-MgApplication": ["DisplayName", "SignInAudience", "RequiredResourceAccess", "Confirm"],
  "Update-MgApplication": ["ApplicationId", "RequiredResourceAccess", "KeyCredentials", "Confirm"],
  "Remove-MgApplication": ["ApplicationId", "Confirm"],
  "Add-MgApplicationPassword": ["ApplicationId", "PasswordCredential", "Confirm"],
  "Remove-MgApplicationPassword": ["ApplicationId", "KeyId", "Confirm"],
  "Get-MgServicePrincipal": ["Filter"],
  "New-MgServicePrincipal": ["AppId", "Confirm"],
  "Get-MgServicePrincipalAppRoleAssignment": ["ServicePrincipalId", "All"],
  "New-MgServicePrincipalAppRoleAssignment": ["ServicePrincipalId", "PrincipalId", "ResourceId", "AppRoleId", "Confirm"],
  "Remove-MgServicePrincipalAppRoleAssignment": ["ServicePrincipalId", "AppRoleAssignmentId", "Confirm"],
  // ExchangeOnlineManagement
  "Connect-ExchangeOnline": ["ExchangeEnvironmentName", "ShowBanner"],
  "Disconnect-ExchangeOnline": ["ConnectionId", "Confirm"],
  "Get-ConnectionInformation": [],
  "Get-ServicePrincipal": [],
  "New-ServicePrincipal": ["AppId", "ObjectId", "DisplayName", "Confirm"],
  "Remove-ServicePrincipal": ["Identity", "Confirm"],
  "Get-Mailbox": ["Identity"],
  "Get-MailboxPermission": ["Identity"],
  "Add-MailboxPermission": ["Identity", "User", "AccessRights", "InheritanceType", "AutoMapping", "Confirm"],
  "Remove-MailboxPermission": ["Identity", "User", "AccessRights", "InheritanceType", "Confirm"],
  "Get-CASMailbox": ["Identity"],
  "Set-CASMailbox": ["Identity", "ImapEnabled", "PopEnabled", "Confirm"],
  // PowerShell itself
  "Export-Csv": ["LiteralPath", "Append", "NoTypeInformation", "Encoding", "WhatIf"],
  "Import-Csv": ["LiteralPath", "Encoding"],
  "ConvertFrom-Json": [],
  "ConvertTo-Json": [],
  "ForEach-Object": [],
  "Where-Object": [],
  "Sort-Object": ["Property", "Descending", "Unique"],
  "Select-Object": ["Skip"],
  "Get-Acl": ["LiteralPath"],
  "Set-Acl": ["LiteralPath", "AclObject"],
  "Get-Command": ["ErrorAction"],
  "Get-Content": ["LiteralPath", "Raw"],
  "Set-Content": ["LiteralPath", "Encoding", "WhatIf"],
  "Get-Date": [],
  "Get-Module": ["ListAvailable", "Name"],
  "Import-Module": [],
  "Join-Path": [],
  "Read-Host": [],
  "Resolve-Path": ["LiteralPath"],
  "Set-StrictMode": ["Version"],
  "Start-Sleep": ["Seconds"],
  "Test-Path": ["LiteralPath"],
  "Write-Host": [],
  "Write-Progress": ["Activity", "Status", "PercentComplete"],
  // Beside PowerShell, where it is not Windows
  chmod: [],
  // `&` and a value
  "&": [],
};

/** Set by PowerShell. */
export const automaticVariables: readonly string[] = [
  "_",
  "true",
  "false",
  "null",
  "PSCmdlet",
  "PSCommandPath",
  "PSHOME",
  "PSVersionTable",
  "WhatIfPreference",
  "LASTEXITCODE",
  "ExecutionContext",
  "env:OS",
];
